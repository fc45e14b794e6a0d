import { describe, expect, it } from 'vitest'
import { admissionRefusal } from './admission.ts'
import { hostPolicy } from './hosts.ts'

const answersTo = hostPolicy('127.0.0.1')
const host = '127.0.0.1:8081'

function judge(method: string, headers: Record<string, string>, url = '/subjects') {
  return admissionRefusal({ method, url, headers }, answersTo, 'the option allowedHosts')
}

describe('a request is admitted', () => {
  it('from a program, which names no origin', () => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) expect(judge(method, { host })).toBeUndefined()
    expect(judge('GET', {})).toBeUndefined()
  })

  it("from the server's own pages, behind TLS, too", () => {
    expect(judge('POST', { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).toBeUndefined()
    expect(judge('POST', { host: 'localhost', origin: 'http://localhost:80' })).toBeUndefined()
    expect(judge('POST', { host: 'localhost', origin: 'https://localhost' })).toBeUndefined()
  })

  it('when a user follows a link', () => {
    expect(judge('GET', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBeUndefined()
    expect(judge('GET', { host, 'sec-fetch-site': 'none' })).toBeUndefined()
  })

  it('when it names the server in its first line', () => {
    expect(judge('GET', { host }, `http://${host}/subjects`)).toBeUndefined()
  })
})

describe('a request is refused', () => {
  it('for a name that the server does not answer to, with the remedy', () => {
    expect(judge('GET', { host: 'evil.example:8081' })).toEqual({
      status: 403,
      message:
        'This server does not answer to the host name "evil.example"; if the name is right, allow it with the option allowedHosts',
    })
    expect(judge('GET', { host }, 'http://evil.example/subjects')?.status).toBe(403)
    expect(judge('GET', { host: 'not a host' })?.status).toBe(400)
  })

  it('when a page of another origin asks, whatever it asks', () => {
    const origins = ['https://evil.example', 'http://127.0.0.1:3000', 'http://localhost:8081', 'null', 'file://', '']
    for (const origin of origins) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
        expect(judge(method, { host, origin })?.status, `${method} ${origin}`).toBe(403)
      }
    }
    expect(judge('POST', { host, origin: 'https://evil.example' })?.message).toBe(
      'A page of "https://evil.example" may not call this server',
    )
  })

  it('when a browser says that another site changes something', () => {
    for (const site of ['cross-site', 'same-site'])
      expect(judge('POST', { host, 'sec-fetch-site': site })?.status).toBe(403)
  })
})
