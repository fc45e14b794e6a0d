import { guard } from '@selfmonitor/http'
import { expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { parseMetrics } from '../../../../test/support/jmx-agent.ts'
import { createState } from '../store/state.ts'
import { record, useRegistry } from '../test-support/api.ts'
import { silent } from '../test-support/app.ts'
import { buildApp } from './app.ts'
import { bodyLimitBytes } from './start.ts'

it("the registry's metrics are those of the state that the store has now: a topic that is created again gives it another", async () => {
  let state = createState()
  const store = {
    clusterId: 'c',
    get state() {
      return state
    },
    exclusively: () => Promise.reject(new Error('nothing is written here')),
    close: async () => {},
  }
  const parts = { logger: silent, guard: guard({ listensOn: '127.0.0.1', allowedHostsSetting: '', bodyLimitBytes }) }
  const app = buildApp({ store, fallbackLevel: 'BACKWARD' }, { ...parts, access: undefined, recordChange: undefined })
  const subjects = async () =>
    parseMetrics((await app.inject('/metrics')).body).get('schema_registry_subjects')!.samples[0]!.value
  try {
    expect(await subjects()).toBe(0)
    state = createState()
    const value = {
      subject: 's',
      version: 1,
      id: 1,
      schemaType: 'AVRO',
      references: [],
      schema: '"int"',
      deleted: false,
    }
    state.apply({ key: { keytype: 'SCHEMA', subject: 's', version: 1 }, value })
    expect(await subjects()).toBe(1)
  } finally {
    await app.close()
  }
})

describeEngines("the registry's metrics", (engine) => {
  const { get, call, register, subjectName } = useRegistry(engine)

  it('count requests by what they were answered with, and schemas by what became of them', async () => {
    const read = async () => {
      const answer = await call('GET', '/metrics', undefined, { accept: 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1' })
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
      const metrics = parseMetrics(answer.text)
      return (name: string, labels: Readonly<Record<string, string>> = {}) =>
        metrics
          .get(name)!
          .samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value
    }
    const before = await read()
    const names = ['api_success_total', 'api_failure_total', 'subjects', 'schemas_registered', 'schemas_deleted']
    const figures = (of: typeof before) => names.map((name) => of(`schema_registry_${name}`)!)
    const subject = subjectName()
    await register(subject, record('A'))
    await get(`/subjects/${subject}/versions/1`)
    await get('/contexts/.other/subjects')
    await get('/subjects/none/versions')
    await get('/nothing')
    await call('DELETE', `/subjects/${subject}`)

    const after = await read()
    const grown = figures(after).map((figure, index) => figure - figures(before)[index]!)
    // The deletion leaves a soft-deleted version.
    expect(grown).toEqual([4, 2, 0, 0, 1])
    const { text } = await get('/metrics')
    expect(parseMetrics(text).get('schema_registry_request_duration_seconds')?.type).toBe('histogram')
    for (const [method, path, status] of [
      ['POST', '/subjects/:subject/versions', 200],
      ['GET', '/subjects/:subject/versions', 404],
      ['GET', '/subjects', 200],
      ['GET', 'other', 404],
    ])
      expect(text).toContain(
        `schema_registry_request_duration_seconds_count{method="${method}",path="${path}",status="${status}"} 1\n`,
      )
    expect(text).not.toContain('path="/metrics"')
  })
})
