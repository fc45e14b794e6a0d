import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultLogger } from './logger.ts'
import { createProblems } from './problems.ts'
import type { Logger } from './types.ts'

function setUp() {
  const lines: string[] = []
  const level = (name: string) => (_context: object, message: string) => void lines.push(`${name} ${message}`)
  const logger: Logger = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
  const clock = { ms: 0 }
  return { lines, clock, problems: createProblems(logger, () => clock.ms) }
}

const denied = { code: 'TOPIC_AUTHORIZATION_FAILED', message: 'may not read a', fatal: true, topic: 'a' }

describe('problems', () => {
  it('are logged once when they begin, once a minute while they last, and once when they are over', () => {
    const { lines, clock, problems } = setUp()
    for (; clock.ms < 61_000; clock.ms += 1000) problems.report('a-0', denied)
    problems.solved('a-0')
    problems.solved('a-0')
    expect(lines).toEqual(['error may not read a', 'error may not read a', 'warn over: may not read a'])
  })

  it('of a topic are one line, however many partitions they concern', () => {
    const { lines, problems } = setUp()
    for (let partition = 0; partition < 100; partition++) problems.report(`a-${partition}`, denied)
    expect(lines).toEqual(['error may not read a'])
    expect(problems.list().length).toBe(100)
    for (let partition = 0; partition < 99; partition++) problems.solved(`a-${partition}`)
    expect(lines.length).toBe(1)
    problems.solved('a-99')
    expect(lines).toEqual(['error may not read a', 'warn over: may not read a'])
  })

  it('are reported as over, also if an unlogged problem replaced them', () => {
    const { lines, problems } = setUp()
    problems.report('group g', { code: 'UNREACHABLE', message: 'no coordinator answers', fatal: false })
    problems.report('group g', { code: 'NOT_COORDINATOR', message: 'it moved', fatal: false, routine: true })
    problems.solved('group g')
    expect(lines).toEqual(['warn no coordinator answers', 'warn over: no coordinator answers'])
    problems.report('group g', { code: 'UNREACHABLE', message: 'no coordinator answers', fatal: false })
    expect(lines.length).toBe(3)
  })

  it('are reported as over in the log of a service without its own logger', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => write.mockRestore())
    const problems = createProblems(defaultLogger)
    problems.report('broker', { code: 'BROKER_UNREACHABLE', message: 'no broker answers', fatal: false })
    problems.solved('broker')
    const messages = write.mock.calls.map(([line]) => JSON.parse(String(line)).msg)
    expect(messages).toEqual(['no broker answers', 'over: no broker answers'])
  })

  it('that every restart brings with it are logged only when they last', () => {
    const { lines, clock, problems } = setUp()
    const moved = { code: 'NOT_LEADER_OR_FOLLOWER', message: 'no leader', fatal: false, routine: true, topic: 'a' }
    problems.report('a-0', moved)
    problems.solved('a-0')
    expect(lines).toEqual([])
    for (; clock.ms <= 10_000; clock.ms += 1000) problems.report('a-0', moved)
    expect(lines).toEqual(['warn no leader'])
  })

  it('are listed with those first that need a manual change', () => {
    const { problems } = setUp()
    problems.report('broker', { code: 'BROKER_UNREACHABLE', message: 'no broker answers', fatal: false })
    problems.report('a-0', denied)
    expect(problems.list().map(({ resource, fatal }) => `${resource} ${fatal}`)).toEqual(['a-0 true', 'broker false'])
  })
})
