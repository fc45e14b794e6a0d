import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScheduler, type Scheduler, type Task } from './scheduler.ts'

/** Runs a script of commands and returns what the scheduler answered, a line each. */
function play(concurrency: number, script: string): string {
  const scheduler = createScheduler<string>(concurrency)
  const running = new Map<string, Task<string>>()
  const name = (task: Task<string>): string => `${task.partition}@${task.offset}`
  const started = (nowMs: number): string => {
    const tasks = scheduler.start(nowMs)
    for (const task of tasks) running.set(name(task), task)
    return tasks.length === 0 ? 'nothing' : tasks.map((task) => `${name(task)}(${task.item})`).join(' ')
  }
  const offsets = (): string =>
    scheduler
      .committable()
      .map(({ partition, offset }) => `${partition}:${offset}`)
      .join(' ') || 'nothing'

  const lines: string[] = []
  for (const line of script.trim().split('\n')) {
    const [command, ...args] = line.trim().split(' ')
    switch (command) {
      case 'assign':
        scheduler.assign('t', Number(args[0]), BigInt(args[1]!))
        break
      case 'add':
        for (const [i, key] of args.slice(2).entries()) {
          const offset = BigInt(args[1]!) + BigInt(i)
          scheduler.add('t', Number(args[0]), offset, key === '-' ? null : key, key)
        }
        break
      case 'advance':
        scheduler.advance('t', Number(args[0]), BigInt(args[1]!))
        break
      case 'start':
        lines.push(`start ${args[0]} → ${started(Number(args[0]))}`)
        break
      case 'done':
        scheduler.done(running.get(args[0]!)!)
        break
      case 'retry':
        scheduler.retry(running.get(args[0]!)!, Number(args[1]))
        break
      case 'drain':
        lines.push(
          `drain ${args[0]} → running ${scheduler.drain('t', Number(args[0])).map(name).join(' ') || 'nothing'}`,
        )
        break
      case 'revoke':
        lines.push(
          `revoke ${args[0]} → lost ${scheduler.revoke('t', Number(args[0])).map(name).join(' ') || 'nothing'}`,
        )
        break
      case 'commit':
        lines.push(`commit → ${offsets()}`)
        for (const offset of scheduler.committable()) scheduler.committed(offset)
        break
      case 'wake':
        lines.push(`wake → ${scheduler.nextWakeMs()}`)
        break
      default:
        throw new Error(`no such command: ${command}`)
    }
  }
  return lines.join('\n')
}

const trim = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n')

describe('the scheduler', () => {
  it('runs keys beside each other and the events of a key one after the other', () => {
    expect(
      play(
        10,
        `assign 0 0
         add 0 0 a b a b
         start 0
         done 0@0
         start 0
         done 0@2
         done 0@1
         start 0`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a) 0@1(b)
            start 0 → 0@2(a)
            start 0 → 0@3(b)`),
    )
  })

  it('runs no more than its concurrency', () => {
    expect(
      play(
        2,
        `assign 0 0
         add 0 0 a b c
         start 0
         done 0@1
         start 0`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a) 0@1(b)
            start 0 → 0@2(c)`),
    )
  })

  it('commits only up to the first event that is not done', () => {
    expect(
      play(
        10,
        `assign 0 5
         commit
         add 0 5 a b c
         start 0
         done 0@6
         done 0@7
         commit
         done 0@5
         commit
         commit`,
      ),
    ).toBe(
      trim(`commit → 0:5
            start 0 → 0@5(a) 0@6(b) 0@7(c)
            commit → nothing
            commit → 0:8
            commit → nothing`),
    )
  })

  it('holds a key that waits for its next try, and gives its slot to another key', () => {
    expect(
      play(
        1,
        `assign 0 0
         add 0 0 a b a
         start 0
         retry 0@0 100
         start 1
         wake
         done 0@1
         start 99
         start 100
         done 0@0
         start 100
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a)
            start 1 → 0@1(b)
            wake → 100
            start 99 → nothing
            start 100 → 0@0(a)
            start 100 → 0@2(a)
            commit → 0:2`),
    )
  })

  it('keeps records without a key in the order of the partition', () => {
    expect(
      play(
        10,
        `assign 0 0
         add 0 0 - - a
         start 0
         done 0@0
         start 0`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(-) 0@2(a)
            start 0 → 0@1(-)`),
    )
  })

  it('moves the position over offsets that hold no records', () => {
    expect(
      play(
        10,
        `assign 0 0
         add 0 0 a
         advance 0 7
         start 0
         commit
         done 0@0
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a)
            commit → 0:0
            commit → 0:7`),
    )
  })

  it('never commits work of a partition that was taken away', () => {
    expect(
      play(
        10,
        `assign 0 0
         assign 1 0
         add 0 0 a b
         add 1 0 c
         start 0
         done 0@0
         revoke 0
         done 0@1
         done 1@0
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a) 0@1(b) 1@0(c)
            revoke 0 → lost 0@1
            commit → 1:1`),
    )
  })

  it('does not start a key of a partition that came back while its lost handler is still running', () => {
    expect(
      play(
        10,
        `assign 0 0
         add 0 0 a a b
         start 0
         revoke 0
         assign 0 0
         add 0 0 a a b
         start 0
         done 0@0
         start 0`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a) 0@2(b)
            revoke 0 → lost 0@0 0@2
            start 0 → nothing
            start 0 → 0@0(a)`),
    )
  })

  it('drops what was queued or waiting in a partition that was taken away', () => {
    expect(
      play(
        1,
        `assign 0 0
         assign 1 0
         add 0 0 a a b
         start 0
         retry 0@0 50
         revoke 0
         add 1 0 z
         start 100
         wake`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a)
            revoke 0 → lost nothing
            start 100 → 1@0(z)
            wake → null`),
    )
  })

  it('starts nothing more of a partition that is handed over, and commits what is still being handled', () => {
    expect(
      play(
        2,
        `assign 0 0
         assign 1 0
         add 0 0 a b a c
         add 1 0 z
         start 0
         drain 0
         add 0 4 d
         done 0@0
         commit
         retry 0@1 5
         start 10
         commit
         revoke 0
         done 1@0
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@0(a) 0@1(b)
            drain 0 → running 0@0 0@1
            commit → 0:1 1:0
            start 10 → 1@0(z)
            commit → nothing
            revoke 0 → lost nothing
            commit → 1:1`),
    )
  })

  it('reads on at a lower offset after an assignment anew, handles what it had first, and commits from there', () => {
    expect(
      play(
        1,
        `assign 0 100
         add 0 100 a b
         start 0
         assign 0 0
         commit
         add 0 0 a c
         start 0
         done 0@100
         start 0
         done 0@101
         start 0
         done 0@1
         commit
         start 0
         done 0@0
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@100(a)
            commit → 0:0
            start 0 → nothing
            start 0 → 0@101(b)
            start 0 → 0@1(c)
            commit → nothing
            start 0 → 0@0(a)
            commit → 0:2`),
    )
  })

  it('does not take the commit of an earlier assignment for one of its own', () => {
    const scheduler = createScheduler<string>(1)
    scheduler.assign('t', 0, 100n)
    const [before] = scheduler.committable()
    scheduler.assign('t', 0, 0n)
    scheduler.committed(before!)
    expect(scheduler.committable()).toMatchObject([{ offset: 0n }])
  })

  it('commits each offset with the epoch of the record before it, and the topic that it belongs to', () => {
    const scheduler = createScheduler<null>(10)
    const epochs = () => scheduler.committable().map(({ offset, leaderEpoch }) => `${offset} of ${leaderEpoch}`)
    scheduler.assign('t', 0, 10n, { leaderEpoch: 3, topicId: 'id' })
    expect(scheduler.committable()).toMatchObject([{ offset: 10n, leaderEpoch: 3, topicId: 'id' }])
    for (const [leaderEpoch, offset] of [
      [3, 10n],
      [4, 11n],
      [4, 12n],
      [7, 13n],
    ] as const) {
      scheduler.beginEpoch('t', 0, leaderEpoch)
      scheduler.add('t', 0, offset, `${offset}`, null)
    }
    expect(scheduler.leaderEpoch('t', 0)).toBe(7)
    const tasks = scheduler.start(0)
    for (const [done, expected] of [
      [tasks[0]!, '11 of 3'],
      [tasks[2]!, '11 of 3'],
      [tasks[1]!, '13 of 4'],
      [tasks[3]!, '14 of 7'],
    ] as const) {
      scheduler.done(done)
      expect(epochs()).toEqual([expected])
      for (const offset of scheduler.committable()) if (done === tasks[1]) scheduler.committed(offset)
    }
  })

  it('takes an event of an earlier assignment away with its partition', () => {
    expect(
      play(
        1,
        `assign 0 100
         add 0 100 a b
         start 0
         assign 0 0
         add 0 0 b
         revoke 0
         done 0@100
         start 0
         commit`,
      ),
    ).toBe(
      trim(`start 0 → 0@100(a)
            revoke 0 → lost 0@100
            start 0 → nothing
            commit → nothing`),
    )
  })

  it('knows the position of a partition until it is given up', () => {
    const scheduler = createScheduler<string>(1)
    expect(scheduler.position('t', 0)).toBeNull()
    scheduler.assign('t', 0, 5n)
    scheduler.add('t', 0, 5n, null, 'x')
    expect(scheduler.position('t', 0)).toBe(6n)
    scheduler.drain('t', 0)
    expect(scheduler.position('t', 0)).toBeNull()
  })

  it('ignores records that it has already been given', () => {
    expect(
      play(
        10,
        `assign 0 3
         add 0 2 old a b
         add 0 3 a b c
         start 0`,
      ),
    ).toBe('start 0 → 0@3(a) 0@4(b) 0@5(c)')
  })

  it('handles everything once, in order per key, whatever fails and however long it takes', () => {
    const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('a', 'b', 'c', 'd')), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(
        events,
        fc.infiniteStream(fc.nat(99)),
        fc.integer({ min: 1, max: 5 }),
        (list, choices, concurrency) => {
          const scheduler: Scheduler<string> = createScheduler(concurrency)
          const ends = [0n, 0n, 0n]
          for (const partition of [0, 1, 2]) scheduler.assign('t', partition, 0n)
          for (const [partition, key] of list) scheduler.add('t', partition, ends[partition]!++, key, key)

          const choose = (limit: number): number => choices.next().value! % limit
          const handled = new Map<string, bigint[]>()
          const active: Task<string>[] = []
          let now = 0
          for (;;) {
            active.push(...scheduler.start(now))
            expect(active.length).toBeLessThanOrEqual(concurrency)
            expect(new Set(active.map((task) => `${task.partition}${task.item}`)).size).toBe(active.length)
            if (active.length === 0) {
              const wake = scheduler.nextWakeMs()
              if (wake === null) break
              now = wake
              continue
            }
            const [task] = active.splice(choose(active.length), 1) as [Task<string>]
            if (choose(4) === 0) {
              scheduler.retry(task, now + choose(50))
            } else {
              scheduler.done(task)
              const lane = `${task.partition}${task.item}`
              handled.set(lane, [...(handled.get(lane) ?? []), task.offset])
            }
          }

          expect([...handled.values()].flat().length).toBe(list.length)
          for (const offsets of handled.values()) expect(offsets.toSorted((a, b) => Number(a - b))).toEqual(offsets)
          expect(scheduler.committable().map(({ offset }) => offset)).toEqual(ends)
          expect(scheduler.counts).toEqual({ running: 0, queued: 0 })
        },
      ),
    )
  })
})
