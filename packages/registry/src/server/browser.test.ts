// A web page against the registry of the developer who has it open: Chromium, a page of another origin, and one whose
// name was made to point at the registry (DNS rebinding). Each attack is first seen to reach a server without a guard.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { commandPath, missingTool } from '../../../../test/support/tools.ts'
import { ownTopic } from '../test-support/app.ts'
import type { RegistryServer } from '../types.ts'
import { startRegistry } from './start.ts'

const schema = '{"schema":"[]"}'
/** A name of the attacker; the browser is made to resolve it to this machine. */
const attacker = 'attacker.example'

/** Scripts of a page: what it may send without asking first. https://fetch.spec.whatwg.org/#http-fetch */
const attacks: readonly { readonly name: string; readonly script: (url: string) => string }[] = [
  {
    name: 'a body without a type',
    script: (url) => `fetch('${url}', { method: 'POST', mode: 'no-cors', body: new Blob(['${schema}']) })`,
  },
  { name: 'a text', script: (url) => `fetch('${url}', { method: 'POST', mode: 'no-cors', body: '${schema}' })` },
  { name: 'a beacon', script: (url) => `navigator.sendBeacon('${url}', new Blob(['${schema}']))` },
  {
    name: 'a form',
    // Its one field is sent as `name=value`.
    script: (url) => `
      const form = document.createElement('form')
      const field = document.createElement('input')
      Object.assign(form, { action: '${url}', method: 'POST', enctype: 'text/plain' })
      Object.assign(field, { name: '${schema.slice(0, -1)},"x":"', value: '"}' })
      form.append(field)
      document.body.append(form)
      form.submit()`,
  },
]

describe.skipIf(missingTool('chromium') !== null)('a web page in Chromium', () => {
  let broker: Broker
  let registry: RegistryServer
  let browser: Browser
  let site: Server
  /** The attacker's own server, on another port of this machine. */
  let siteUrl: string
  /** A server without a guard, and what reached it. */
  let bare: Server
  let bareUrl: string
  let reached: { readonly method: string; readonly body: string }[] = []

  beforeAll(async () => {
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, topic: ownTopic(), port: 0 })
    site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><body>a page of the web</body>')
    })
    siteUrl = await listen(site)
    bare = createServer((request, response) => {
      let body = ''
      request
        .on('data', (chunk) => {
          body += chunk
        })
        .on('end', () => {
          // Not what the browser asks for on its own: a page's icon.
          if (request.url!.startsWith('/subjects')) reached.push({ method: request.method!, body })
          response.end('[]')
        })
    })
    bareUrl = await listen(bare)
    browser = await chromium.launch({
      executablePath: commandPath('chromium'),
      args: [
        '--no-sandbox',
        `--host-resolver-rules=MAP ${attacker} 127.0.0.1`,
        // A protection that new versions of some browsers have: the registry must not depend on it.
        '--disable-features=LocalNetworkAccessChecks',
      ],
    })
  })

  afterAll(async () => {
    await browser?.close()
    for (const server of [site, bare]) server?.closeAllConnections()
    for (const server of [site, bare]) server?.close()
    await registry?.close()
    await broker?.close()
  })

  beforeEach(() => {
    reached = []
  })

  async function onPage<Result>(url: string, use: (page: Page) => Promise<Result>): Promise<Result> {
    const page = await browser.newPage()
    try {
      await page.goto(url)
      return await use(page)
    } finally {
      await page.close()
    }
  }

  const subjects = async () => (await fetch(`${registry.url}/subjects`)).json()

  it.each(attacks)('of another origin cannot register a schema with $name', async ({ script }) => {
    const path = '/subjects/attacked/versions'
    await onPage(siteUrl, async (page) => {
      await page.evaluate(script(bareUrl + path))
      await expect.poll(() => reached.map(({ method }) => method)).toEqual(['POST'])
    })
    expect(JSON.parse(reached[0]!.body)).toMatchObject({ schema: '[]' })

    await onPage(siteUrl, async (page) => {
      const answered = page.waitForEvent('response', (response) => response.request().method() === 'POST')
      await page.evaluate(script(registry.url + path))
      expect((await answered).status()).toBe(403)
    })
    expect(await subjects()).toEqual([])
  })

  it('of another origin cannot change or read anything with requests that it has to ask for', async () => {
    await register('kept')
    const outcomes = await onPage(siteUrl, (page) =>
      page.evaluate(`{
        const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
        const send = (path, options) => fetch('${registry.url}' + path, options).then(() => path, () => 'refused')
        Promise.all([
          send('/subjects/kept', { method: 'DELETE' }),
          send('/config', { method: 'PUT', headers, body: '{"compatibility":"NONE"}' }),
          send('/subjects/asked/versions', { method: 'POST', headers, body: '${schema}' }),
          send('/subjects', {}),
        ])
      }`),
    )
    expect(outcomes).toEqual(['refused', 'refused', 'refused', 'refused'])
    expect(await subjects()).toEqual(['kept'])
    await fetch(`${registry.url}/subjects/kept`, { method: 'DELETE' })
  })

  it('whose name points at the registry can neither read nor write', async () => {
    // The page was loaded before its name was pointed here: it is put in place of the first answer.
    const rebound = async (server: string) => {
      const origin = server.replace('127.0.0.1', attacker)
      const page = await browser.newPage()
      await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: 'a page' }))
      await page.goto(`${origin}/page`)
      const answers = await page.evaluate(`(async () => {
        const read = await fetch('/subjects')
        const headers = { 'content-type': 'application/json' }
        const write = await fetch('/subjects/rebound/versions', { method: 'POST', headers, body: '${schema}' })
        return [read.status, await read.text(), write.status]
      })()`)
      await page.close()
      return answers
    }
    expect(await rebound(bareUrl)).toEqual([200, '[]', 200])
    expect(reached.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(await rebound(registry.url)).toEqual([403, expect.stringContaining('does not answer to'), 403])
    expect(await subjects()).toEqual([])
  })

  it('that the user opens shows the answer', async () => {
    const text = await onPage(`${registry.url}/subjects`, (page) => page.innerText('body'))
    expect(text).toContain('[]')
  })

  async function register(subject: string): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    await fetch(`${registry.url}/subjects/${subject}/versions`, { method: 'POST', headers, body: schema })
  }
})

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
