// Runs a group through a script of commands and writes down what it answers, for tests that read like a protocol trace.
//
//   > join a                      a command; it may carry options, `session=10000`
//     a: MEMBER_ID_REQUIRED …     what happened, one effect a line, in order
//
// Members are called by short names. A name means the member id that the group gave it last; `a-1` names one id
// outright. Time begins at 0 and moves with `after 500`.
import { expect } from 'vitest'
import { abandon } from '../abandon.ts'
import { type ClassicGroup, createGroup, type Effect, nextDeadline, type Step } from '../classic-group.ts'
import { admitCommit, heartbeat } from '../heartbeat.ts'
import { join, validateJoin } from '../join.ts'
import { leave } from '../leave.ts'
import { passTime, writeFailed } from '../rebalance.ts'
import { sync } from '../sync.ts'
import type { GroupConfig, GroupError, JoinInput, JoinResult, SyncResult } from '../types.ts'

export const testConfig: GroupConfig = {
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3000,
  maxSize: 2 ** 31 - 1,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMs: 7 * 24 * 3600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetsTopicPartitions: 50,
}

/** A consumer's subscription as clients encode it (version 0). */
export function subscription(...topics: string[]): Buffer {
  const parts = [Buffer.from([0, 0]), int32(topics.length)]
  for (const topic of topics) {
    const length = Buffer.alloc(2)
    length.writeInt16BE(topic.length)
    parts.push(length, Buffer.from(topic))
  }
  return Buffer.concat([...parts, int32(-1)])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

interface Run {
  readonly group: ClassicGroup
  config: GroupConfig
  nowMs: number
  uuids: Map<string, number>
  waiters: string[]
  ids: Map<string, string>
}

/** @returns the script with the outputs that the group really gives: compare it with the script itself. */
export function transcript(script: string, config: Partial<GroupConfig> = {}): string {
  const run: Run = {
    group: createGroup('g', 0),
    config: { ...testConfig, ...config },
    nowMs: 0,
    uuids: new Map(),
    waiters: [],
    ids: new Map(),
  }
  const lines = script.split('\n')
  const margin = lines.find((line) => line.trim() !== '')?.match(/^ */)?.[0] ?? ''
  const out: string[] = []
  for (const line of lines) {
    const text = line.trim()
    if (text.startsWith('>')) out.push(margin + text, ...execute(run, text.slice(1)).map((o) => `${margin}  ${o}`))
    else if (text === '' || text.startsWith('#')) out.push(text === '' ? line : margin + text)
  }
  return out.join('\n')
}

function execute(run: Run, command: string): string[] {
  const [verb = '', ...words] = command.trim().split(/\s+/)
  const options = new Map(
    words.filter((w) => w.includes('=')).map((w) => [w.split('=')[0]!, w.slice(w.indexOf('=') + 1)]),
  )
  const [who = ''] = words.filter((w) => !w.includes('='))
  const effects: Effect[] = []
  const step: Step = { nowMs: run.nowMs, config: run.config, newUuid: () => nextNumber(run, who), effects }
  const outputs: string[] = []
  const result = (text: string) => outputs.push(...drain(run, effects), text)

  switch (verb) {
    case 'join': {
      const input = joinInput(run, who, options)
      const error = validateJoin(input, run.config)
      if (error) result(`${who}: ${said(error)}`)
      else join(run.group, step, input, waiter(run, who))
      break
    }
    case 'sync': {
      const assignments = words
        .filter((w) => w.includes(':'))
        .map((w) => ({ memberId: idOf(run, w.split(':')[0]!), assignment: Buffer.from(w.split(':')[1]!) }))
      const input = {
        ...identity(run, who, options),
        protocolType: options.get('type') ?? null,
        protocolName: options.get('protocol') ?? null,
        assignments,
      }
      sync(run.group, step, input, waiter(run, who))
      break
    }
    case 'heartbeat': {
      const error = heartbeat(run.group, step, identity(run, who, options))
      result(`${who}: ${error ? said(error) : 'ok'}`)
      break
    }
    case 'commit': {
      const error = admitCommit(run.group, step, identity(run, who, options))
      result(`${who || 'a simple consumer'}: ${error ? said(error) : 'ok'}`)
      break
    }
    case 'leave': {
      const leaving = words
        .filter((w) => !w.includes('='))
        .map((name) => ({ memberId: idOf(run, name), groupInstanceId: null, reason: null }))
      const instance = options.get('instance')
      if (instance)
        leaving.splice(0, 1, {
          ...leaving[0]!,
          memberId: leaving[0]?.memberId ?? '',
          groupInstanceId: instance,
        } as never)
      const left = leave(run.group, step, leaving)
      const each = left.members.map((m) => `${m.memberId || m.groupInstanceId} ${m.error ? said(m.error) : 'ok'}`)
      result(`leave: ${left.error ? said(left.error) : each.join('; ')}`)
      break
    }
    // The connection of the member's latest request closes.
    case 'hang-up':
      abandon(run.group, step, run.waiters.lastIndexOf(who))
      break
    case 'after': {
      const endMs = run.nowMs + Number(who)
      for (let dueMs = nextDeadline(run.group); dueMs <= endMs; dueMs = nextDeadline(run.group)) {
        run.nowMs = dueMs
        passTime(run.group, { ...step, nowMs: dueMs })
      }
      run.nowMs = endMs
      passTime(run.group, { ...step, nowMs: endMs })
      break
    }
    case 'limit':
      run.config = { ...run.config, maxSize: Number(who) }
      break
    case 'write-failed':
      writeFailed(run.group, step, run.group.generationId)
      break
    case 'state':
      result(describe(run))
      break
    default:
      throw new Error(`unknown command: ${verb}`)
  }
  return [...outputs, ...drain(run, effects)]
}

function joinInput(run: Run, who: string, options: ReadonlyMap<string, string>): JoinInput {
  const topics = (options.get('topics') ?? 'orders').split(',')
  return {
    groupId: options.get('group') ?? 'g',
    memberId: options.has('new') ? '' : idOf(run, who, ''),
    groupInstanceId: options.get('instance') ?? null,
    clientId: who,
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: Number(options.get('session') ?? 10_000),
    rebalanceTimeoutMs: Number(options.get('rebalance') ?? 60_000),
    protocolType: options.get('type') ?? 'consumer',
    protocols: (options.get('protocols') ?? 'range')
      .split(',')
      .filter((name) => name !== '')
      .map((name) => ({ name, metadata: subscription(...topics) })),
    reason: options.get('reason') ?? null,
    requireKnownMemberId: Number(options.get('version') ?? 9) >= 4,
    supportsSkippingAssignment: Number(options.get('version') ?? 9) >= 9,
  }
}

function identity(run: Run, who: string, options: ReadonlyMap<string, string>) {
  return {
    groupId: 'g',
    generationId: Number(options.get('generation') ?? run.group.generationId),
    memberId: who === '' ? '' : idOf(run, who),
    groupInstanceId: options.get('instance') ?? null,
  }
}

function nextNumber(run: Run, who: string): string {
  const number = (run.uuids.get(who) ?? 0) + 1
  run.uuids.set(who, number)
  return String(number)
}

function idOf(run: Run, name: string, unknown = name): string {
  return run.ids.get(name) ?? (/-\d+$/.test(name) ? name : unknown)
}

function waiter(run: Run, who: string): number {
  return run.waiters.push(who) - 1
}

function drain(run: Run, effects: Effect[]): string[] {
  const lines: string[] = []
  for (const effect of effects.splice(0)) {
    switch (effect.type) {
      case 'write':
        lines.push(`write ${written(effect.snapshot)}`)
        break
      case 'answer-join': {
        const who = run.waiters[effect.waiter]!
        if (effect.result.memberId !== '') run.ids.set(who, effect.result.memberId)
        lines.push(`${who}: ${joined(effect.result)}`)
        break
      }
      case 'answer-sync':
        lines.push(`${run.waiters[effect.waiter]}: ${synced(effect.result)}`)
        break
      case 'log':
        lines.push(`log ${effect.message}`)
        break
    }
  }
  return lines
}

function said(error: GroupError): string {
  return `${error.name} (${error.reason})`
}

function joined(result: JoinResult): string {
  if (result.error) return `${said(result.error)} as ${result.memberId || 'nobody'}`
  const role = result.leader === result.memberId ? 'leads' : `follows ${result.leader}`
  const members = result.members.length === 0 ? '' : ` [${result.members.map((m) => m.memberId).join(' ')}]`
  const skip = result.skipAssignment ? ' and skips the assignment' : ''
  return `joined generation ${result.generationId} as ${result.memberId} with ${result.protocolName}, ${role}${members}${skip}`
}

function synced(result: SyncResult): string {
  return result.error ? said(result.error) : `assigned ${result.assignment.toString() || 'nothing'}`
}

function written(snapshot: {
  generationId: number
  members: readonly { memberId: string; assignment: Buffer }[]
}): string {
  const members = snapshot.members.map((m) => `${m.memberId}:${m.assignment}`).join(' ')
  return `generation ${snapshot.generationId} ${members === '' ? 'without members' : members}`
}

function describe({ group, nowMs }: Run): string {
  const members = [...group.members.values()].map((m) => {
    const waits = m.joinWaiter !== undefined ? ' joining' : m.syncWaiter !== undefined ? ' syncing' : ''
    return `${m.memberId}${waits}`
  })
  const pending = group.pendingMembers.size === 0 ? '' : `, pending [${[...group.pendingMembers.keys()].join(' ')}]`
  const dueMs = nextDeadline(group)
  const due = dueMs === Infinity ? '' : `, next deadline in ${dueMs - nowMs} ms`
  return `${group.state} generation ${group.generationId} [${members.join(', ')}]${pending}${due}`
}

/** Passes when the group answers the script's commands exactly as the script says. */
export function behaves(script: string, config: Partial<GroupConfig> = {}): void {
  expect(transcript(script, config)).toBe(script)
}
