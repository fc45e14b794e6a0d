import { chooseTarget, type FoundState } from '@selfmonitor/platform/running'
import { describe, expect, it } from 'vitest'
import { requireTarget, targetEnvironment } from './target.ts'

function noted(portOffset: number, alive = true, environment = 'development'): FoundState {
  return {
    file: '',
    alive,
    state: {
      formatVersion: 1,
      process: { pid: 1, identity: '' },
      ready: true,
      startedAtMs: 0,
      engine: 'embedded',
      environment,
      portOffset,
      bootstrapServers: `127.0.0.1:${9092 + portOffset}`,
      registryUrl: `http://127.0.0.1:${8081 + portOffset}`,
      dataDir: '/shop/.selfmonitor/data/embedded',
      logFile: '',
      nodes: [],
    },
  }
}

describe('the platform that a command is about', () => {
  const offsetOf = (states: FoundState[], named: { portOffset?: number; bootstrapServers?: string } = {}) =>
    requireTarget(chooseTarget(states, named))?.state.portOffset

  it('is the one that runs, and none where none does', () => {
    expect(offsetOf([noted(0)])).toBe(0)
    expect(offsetOf([noted(0, false), noted(100)])).toBe(100)
    expect(offsetOf([])).toBeUndefined()
  })

  it('is not the default when those of the project have stopped: another project may listen there', () => {
    expect(() => offsetOf([noted(100, false)])).toThrow(
      expect.objectContaining({
        code: 'PLATFORM_STOPPED',
        exitCode: 4,
        message: "This project's platform at 127.0.0.1:9192 is stopped.",
        hint: expect.stringMatching(
          /^Start it with `selfmonitor up --port-offset 100`, or name another with --bootstrap-servers/,
        ),
      }),
    )
    const second = noted(200, false)
    const apache: FoundState = {
      ...second,
      state: { ...second.state, engine: 'apache', dataDir: '/shop/second/apache' },
    }
    expect(() => offsetOf([noted(0, false), apache])).toThrow(
      expect.objectContaining({
        message: "This project's platforms at 127.0.0.1:9092 and 127.0.0.1:9292 are stopped.",
        hint: expect.stringContaining(
          '`selfmonitor up` or `selfmonitor up --engine apache --port-offset 200 --data-dir /shop/second`',
        ),
      }),
    )
    expect(offsetOf([noted(0, false)], { bootstrapServers: 'kafka:9092' })).toBeUndefined()
  })

  it('has to be named where several run: the error lists them', () => {
    const several = [noted(0), noted(10_100, true, 'staging')]
    expect(() => offsetOf(several)).toThrow(
      expect.objectContaining({
        code: 'AMBIGUOUS_TARGET',
        exitCode: 2,
        hint: [
          'Pass one of these:',
          '--port-offset 0      embedded, Kafka 127.0.0.1:9092, development',
          '--port-offset 10100  embedded, Kafka 127.0.0.1:19192, staging',
        ].join('\n'),
      }),
    )
    expect(offsetOf(several, { portOffset: 10_100 })).toBe(10_100)
    expect(offsetOf(several, { bootstrapServers: 'localhost:19192' })).toBe(10_100)
  })

  it('must run when it is named', () => {
    expect(() => offsetOf([noted(0)], { portOffset: 100 })).toThrow(
      expect.objectContaining({ code: 'NOT_RUNNING', exitCode: 4, hint: expect.stringContaining('--port-offset 0  ') }),
    )
    expect(() => offsetOf([], { portOffset: 100 })).toThrow(
      expect.objectContaining({ hint: '`selfmonitor up --port-offset 100` starts one.' }),
    )
  })

  it('gives its environment; where it is not clear which one, the one that all have', () => {
    const of = (...states: FoundState[]) => targetEnvironment(chooseTarget(states, {}))
    expect(of(noted(0, true, 'staging'))).toBe('staging')
    expect(of(noted(0, true, 'staging'), noted(100, true, 'staging'))).toBe('staging')
    expect(of(noted(0, true, 'staging'), noted(100))).toBeUndefined()
    expect(of()).toBeUndefined()
  })
})
