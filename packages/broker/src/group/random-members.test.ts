// A property test: model clients join, heartbeat, rejoin, go silent, come back and leave at random, with every answer
// delayed at random, and whatever they do the group keeps its promises.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { abandon } from './abandon.ts'
import { type ClassicGroup, createGroup, type Effect, nextDeadline, type Step } from './classic-group.ts'
import { heartbeat } from './heartbeat.ts'
import { join } from './join.ts'
import { leave } from './leave.ts'
import { passTime } from './rebalance.ts'
import { sync } from './sync.ts'
import { subscription, testConfig } from './test-support/transcript.ts'
import type { GroupError, JoinResult, SyncResult } from './types.ts'

const partitions = 7
const sessionMs = 10_000
const rebalanceMs = 20_000

interface Client {
  readonly name: string
  readonly instanceId: string | null
  readonly oldProtocol: boolean
  memberId: string
  generationId: number
  assigned: readonly number[]
  /** What it waits for; undefined when it can act. */
  waiting: 'join' | 'sync' | undefined
  /** To be sent as soon as the client acts: the members to assign to, when it leads. */
  toSync: { readonly members: readonly string[] | undefined } | undefined
  joined: boolean
  /** Counts its processes: an answer to an earlier one is not read. */
  process: number
  /** Stopped without a goodbye. */
  silent: boolean
}

interface World {
  readonly group: ClassicGroup
  readonly clients: readonly Client[]
  readonly waiters: { readonly client: Client; readonly process: number }[]
  nowMs: number
  uuid: number
  generation: number
  leaders: Map<number, string>
}

type Action =
  | { readonly do: 'act' | 'silence' | 'restart' | 'hang-up' | 'leave' | 'resubscribe'; readonly client: number }
  | { readonly do: 'wait'; readonly ms: number }

const actions = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('act' as const), client: fc.nat(4) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'silence' as const,
          'restart' as const,
          'hang-up' as const,
          'leave' as const,
          'resubscribe' as const,
        ),
        client: fc.nat(4),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(6000) }) },
  ),
  { minLength: 1, maxLength: 120 },
)

describe('a group under random members', () => {
  it('has one leader in each generation, growing generations, disjoint assignments, and always makes progress', () => {
    fc.assert(
      fc.property(actions, (script) => {
        const world = newWorld()
        for (const action of script) run(world, action as Action)
        settle(world)
      }),
      { numRuns: 400 },
    )
  })
})

function newWorld(): World {
  const client = (name: string, instanceId: string | null, oldProtocol: boolean): Client => ({
    name,
    instanceId,
    oldProtocol,
    memberId: '',
    generationId: -1,
    assigned: [],
    waiting: undefined,
    toSync: undefined,
    joined: false,
    process: 1,
    silent: true,
  })
  const clients = [
    client('a', null, false),
    client('b', null, true),
    client('c', 'i1', false),
    client('d', 'i2', false),
    client('e', null, false),
  ]
  return { group: createGroup('g', 0), clients, waiters: [], nowMs: 0, uuid: 0, generation: 0, leaders: new Map() }
}

function step(world: World, effects: Effect[]): Step {
  return { nowMs: world.nowMs, config: testConfig, newUuid: () => String(++world.uuid), effects }
}

function run(world: World, action: Action): void {
  if (action.do === 'wait') {
    wait(world, action.ms)
    return
  }
  const client = world.clients[action.client]!
  switch (action.do) {
    case 'act':
      client.silent = false
      act(world, client)
      break
    case 'silence':
      client.silent = true
      break
    case 'restart':
      // A new process: it has forgotten its member id, and answers to its former process are not read.
      forget(client)
      client.process++
      client.silent = false
      act(world, client)
      break
    case 'hang-up': {
      // The connection closes while a request waits: the client keeps its id and will try again, and the broker notices.
      if (client.waiting === undefined) break
      const waiter = world.waiters.findLastIndex((one) => one.client === client)
      client.process++
      client.waiting = undefined
      client.joined = false
      client.toSync = undefined
      const effects: Effect[] = []
      abandon(world.group, step(world, effects), waiter)
      deliver(world, effects)
      break
    }
    case 'leave': {
      if (client.waiting !== undefined || client.memberId === '') break
      const effects: Effect[] = []
      leave(world.group, step(world, effects), [
        { memberId: client.memberId, groupInstanceId: client.instanceId, reason: null },
      ])
      forget(client)
      client.silent = true
      deliver(world, effects)
      break
    }
    case 'resubscribe':
      if (client.waiting === undefined && client.joined && !client.silent) sendJoin(world, client)
      break
  }
  check(world)
}

function forget(client: Client): void {
  client.memberId = ''
  client.generationId = -1
  client.assigned = []
  client.waiting = undefined
  client.toSync = undefined
  client.joined = false
}

/** What a living client does next. */
function act(world: World, client: Client): void {
  if (client.waiting !== undefined) return
  if (client.toSync || !client.joined) {
    if (client.toSync) sendSync(world, client)
    else sendJoin(world, client)
    return
  }
  const effects: Effect[] = []
  const error = heartbeat(world.group, step(world, effects), {
    groupId: 'g',
    generationId: client.generationId,
    memberId: client.memberId,
    groupInstanceId: client.instanceId,
  })
  deliver(world, effects)
  if (error) refused(client, error)
}

function sendJoin(world: World, client: Client): void {
  const effects: Effect[] = []
  client.waiting = 'join'
  client.joined = false
  const waiter = world.waiters.push({ client, process: client.process }) - 1
  join(
    world.group,
    step(world, effects),
    {
      groupId: 'g',
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      clientId: client.name,
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: rebalanceMs,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(`orders-${world.waiters.length}`) }],
      reason: null,
      requireKnownMemberId: !client.oldProtocol,
      supportsSkippingAssignment: true,
    },
    waiter,
  )
  deliver(world, effects)
}

function sendSync(world: World, client: Client): void {
  const effects: Effect[] = []
  const members = client.toSync!.members
  client.toSync = undefined
  client.waiting = 'sync'
  const waiter = world.waiters.push({ client, process: client.process }) - 1
  const assignments = (members ?? []).map((memberId, i) => {
    const own = Array.from({ length: partitions }, (_, p) => p).filter((p) => p % members!.length === i)
    return { memberId, assignment: Buffer.from(own) }
  })
  const { memberId, instanceId: groupInstanceId, generationId } = client
  const input = {
    groupId: 'g',
    generationId,
    memberId,
    groupInstanceId,
    protocolType: null,
    protocolName: null,
    assignments,
  }
  sync(world.group, step(world, effects), input, waiter)
  deliver(world, effects)
}

function deliver(world: World, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.type !== 'answer-join' && effect.type !== 'answer-sync') continue
    const { client, process } = world.waiters[effect.waiter]!
    if (effect.type === 'answer-join') promisesOfJoin(world, effect.result)
    if (client.process !== process) continue
    client.waiting = undefined
    if (effect.type === 'answer-join') joinAnswered(client, effect.result)
    else syncAnswered(client, effect.result)
  }
}

function promisesOfJoin(world: World, result: JoinResult): void {
  if (result.error) return
  const leader = world.leaders.get(result.generationId) ?? result.leader
  world.leaders.set(result.generationId, leader)
  if (!result.skipAssignment && result.members.length > 0) {
    expect(result.memberId, 'only the leader gets the members').toBe(leader)
    expect(new Set(result.members.map((m) => m.memberId)).size).toBe(result.members.length)
  }
}

function joinAnswered(client: Client, result: JoinResult): void {
  if (result.error) {
    refused(client, result.error, result.memberId)
    return
  }
  client.memberId = result.memberId
  client.generationId = result.generationId
  const leads = result.leader === result.memberId && !result.skipAssignment
  client.toSync = { members: leads ? result.members.map((member) => member.memberId) : undefined }
}

function syncAnswered(client: Client, result: SyncResult): void {
  if (result.error) {
    refused(client, result.error)
    return
  }
  client.joined = true
  client.assigned = [...result.assignment]
}

function refused(client: Client, error: GroupError, newMemberId = ''): void {
  client.joined = false
  client.assigned = []
  switch (error.name) {
    case 'MEMBER_ID_REQUIRED':
      client.memberId = newMemberId
      break
    case 'REBALANCE_IN_PROGRESS':
      break
    case 'UNKNOWN_MEMBER_ID':
    case 'ILLEGAL_GENERATION':
    case 'FENCED_INSTANCE_ID':
      forget(client)
      break
    default:
      throw new Error(`unexpected ${error.name}: ${error.reason}`)
  }
}

function wait(world: World, ms: number): void {
  const endMs = world.nowMs + ms
  for (let dueMs = nextDeadline(world.group); dueMs <= endMs; dueMs = nextDeadline(world.group)) {
    world.nowMs = dueMs
    const effects: Effect[] = []
    passTime(world.group, step(world, effects))
    deliver(world, effects)
    check(world)
  }
  world.nowMs = endMs
}

function check(world: World): void {
  const { group } = world
  expect(group.generationId).toBeGreaterThanOrEqual(world.generation)
  world.generation = group.generationId
  if (group.members.size > 0 && group.state !== 'PreparingRebalance')
    expect(group.members.has(group.leaderId!)).toBe(true)
  expect(group.state === 'Empty').toBe(group.members.size === 0 && group.state !== 'PreparingRebalance')
  if (group.state !== 'Stable') return
  const owned = [...group.members.values()].flatMap((member) => [...member.assignment])
  expect(new Set(owned).size, `partitions are owned once: ${owned}`).toBe(owned.length)
}

/** From here on every client that is not silent behaves well: the group must reach a state in which all of them own parts. */
function settle(world: World): void {
  const living = world.clients.filter((client) => !client.silent)
  const settled = () =>
    living.length === 0
      ? world.group.members.size === 0
      : world.group.state === 'Stable' &&
        world.group.members.size === living.length &&
        living.every((client) => client.joined && client.generationId === world.group.generationId)
  for (let round = 0; round < 200 && !settled(); round++) {
    for (const client of living) act(world, client)
    wait(world, 1000)
  }
  expect(settled(), `stuck in ${world.group.state} with ${[...world.group.members.keys()]}`).toBe(true)
  if (living.length === 0) return
  const owned = living.flatMap((client) => client.assigned).sort((x, y) => x - y)
  expect(owned).toEqual(Array.from({ length: partitions }, (_, p) => p))
}
