import { describe, expect, it } from 'vitest'
import { bodyTypeRefusal, negotiate } from './content.ts'

describe('the type of a body', () => {
  const types = ['application/vnd.x.v1+json', 'application/json']
  const length = { 'content-length': '2' }

  it('is one of those that the server takes, with or without parameters', () => {
    expect(bodyTypeRefusal({ ...length, 'content-type': 'application/json; charset=utf-8' }, types)).toBeUndefined()
    expect(bodyTypeRefusal({ ...length, 'content-type': 'Application/VND.x.v1+JSON' }, types)).toBeUndefined()
  })

  it('is demanded, because a page can send a body without one', () => {
    expect(bodyTypeRefusal(length, types)).toEqual({
      status: 415,
      message: 'The request has no Content-Type; send application/vnd.x.v1+json',
    })
    expect(bodyTypeRefusal({ 'transfer-encoding': 'chunked' }, types)?.status).toBe(415)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      expect(bodyTypeRefusal({ ...length, 'content-type': type }, types)?.status, type).toBe(415)
    }
  })

  it('does not matter where there is no body', () => {
    expect(bodyTypeRefusal({}, types)).toBeUndefined()
    expect(bodyTypeRefusal({ 'content-length': '0', 'content-type': 'text/plain' }, types)).toBeUndefined()
  })
})

describe('the type of an answer', () => {
  const types = ['application/vnd.x.v1+json', 'application/vnd.x+json', 'application/json'] as const

  it('is the preferred one for a client that takes everything', () => {
    const java = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'
    for (const accept of [undefined, '', '*/*', '*', 'application/*', 'text/html, */*;q=0.8', java]) {
      expect(negotiate(accept, types), accept).toBe('application/vnd.x.v1+json')
    }
  })

  it('is what the client asks for', () => {
    for (const accept of ['application/json', 'APPLICATION/JSON; charset=utf-8', 'application/json, text/plain, */*']) {
      expect(negotiate(accept, types), accept).toBe('application/json')
    }
    expect(negotiate('application/json;q=0.5, application/vnd.x+json', types)).toBe('application/vnd.x+json')
    expect(negotiate('application/vnd.x.v1+json;q=0, application/*', types)).toBe('application/vnd.x+json')
  })

  it('is undefined when the client accepts none of them', () => {
    expect(negotiate('text/html', types)).toBeUndefined()
    expect(negotiate('application/json;q=0', types)).toBeUndefined()
  })
})
