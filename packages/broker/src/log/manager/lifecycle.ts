// How a partition's slot changes its state: its log is opened, closed when idle, removed with its topic, or set aside.
//
//   (no slot) ──open──▶ opening ──▶ open ──idle──▶ leaving ──▶ closed ──open──▶ opening …
//                                     │
//                                     └──topic deleted──▶ leaving ──▶ (no slot)
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import { LogError } from '../errors.ts'
import { asideName, type ClosedFolder, partitionName, readOwner, unknownFolder } from '../partition/folders.ts'
import { openPartitionLog, type PartitionLog } from '../partition/partition-log.ts'
import type { PartitionRef } from '../types.ts'
import { type ManagerState, runInBackground } from './manager-state.ts'
import type { LeavingSlot, OpeningSlot, OpenSlot, Slot } from './slots.ts'

/** How long a request waits for a log that is being opened, unless the options say otherwise. */
const openPatienceMs = 2000

/**
 * The log for a request, which does not wait long: checking a log of gigabytes takes minutes, and clients meanwhile use their
 * other partitions and ask again for this one.
 * @throws LogError NOT_LEADER_OR_FOLLOWER when it takes too long, or as for `openLog`
 */
export function openLogSoon(manager: ManagerState, ref: PartitionRef): Promise<PartitionLog> {
  const opened = openLog(manager, ref)
  const slot = manager.slots.get(ref.topic, ref.partition)
  if (slot?.state.kind !== 'opening') return opened
  const { state } = slot
  const { context, options } = manager
  return new Promise((resolve, reject) => {
    const cancel = context.clock.setTimer(options.openPatienceMs ?? openPatienceMs, () => {
      reject(new LogError('NOT_LEADER_OR_FOLLOWER', `${partitionName(ref)} ${delayOf(state)}; try again`))
    })
    opened.then(resolve, reject).finally(cancel)
  })
}

/** Why a log is not open yet. */
function delayOf({ activity }: OpeningSlot): string {
  switch (activity) {
    case 'waiting':
      return 'is waiting to be opened'
    case 'reading':
      return 'is still being opened'
    case 'checking':
      return 'is being checked, because it was not closed properly'
  }
}

/**
 * The log, however long it takes to open it.
 * @throws LogError KAFKA_STORAGE_ERROR when it cannot be opened, belongs to another topic, or the broker is stopping
 */
export function openLog(manager: ManagerState, ref: PartitionRef): Promise<PartitionLog> {
  const { slots, options } = manager
  const known = slots.get(ref.topic, ref.partition)
  if (known?.state.kind === 'open' || known?.state.kind === 'opening') {
    const { topicId } = known.state.ref
    if (topicId === ref.topicId) return Promise.resolve(known.state.log)
    // A slow request may ask for a topic that no longer exists: that must not remove the present topic of that name.
    if (options.ownerOf(ref.topic, topicId, ref.partition) !== 'deleted') {
      const message = `${partitionName(ref)} belongs to topic id ${topicId}, not ${ref.topicId}`
      return Promise.reject(new LogError('KAFKA_STORAGE_ERROR', message))
    }
  }
  if (manager.closing) return Promise.reject(new LogError('KAFKA_STORAGE_ERROR', 'the broker is stopping'))
  const slot: Slot = known ?? { topic: ref.topic, partition: ref.partition, state: unused }
  if (known === undefined) slots.add(slot)
  return startOpening(manager, slot, ref)
}

/** The state of a slot before its first use. */
const unused: LeavingSlot = { kind: 'leaving', topicId: undefined, done: Promise.resolve(undefined) }

function startOpening(manager: ManagerState, slot: Slot, ref: PartitionRef): Promise<PartitionLog> {
  let folder: ClosedFolder | undefined
  const before = slot.state
  const { promise: log, resolve, reject } = Promise.withResolvers<PartitionLog>()
  const state: OpeningSlot = { kind: 'opening', ref, log, activity: 'waiting' }
  const open = async (): Promise<PartitionLog> => {
    folder = before.kind === 'closed' ? before.folder : await leftBy(manager, slot, before)
    return await manager.limited(() => {
      state.activity = folder?.isSound === false ? 'checking' : 'reading'
      return openFolder(manager, slot, ref, folder)
    })
  }
  open().then(resolve, reject)
  slot.state = state
  log.then(
    (opened) => {
      if (slot.state === state) slot.state = { kind: 'open', ref, log: opened }
    },
    // The caller gets the error; the next one tries again.
    () => {
      if (slot.state !== state) return
      if (folder === undefined) manager.slots.remove(slot)
      else slot.state = { kind: 'closed', folder }
    },
  )
  return log
}

/** What the slot's earlier log leaves behind; a log of a deleted topic is removed first. */
function leftBy(
  manager: ManagerState,
  slot: Slot,
  before: OpenSlot | OpeningSlot | LeavingSlot,
): Promise<ClosedFolder | undefined> {
  return before.kind === 'leaving' ? before.done : removeFrom(manager, slot, before)
}

async function openFolder(
  manager: ManagerState,
  slot: Slot,
  ref: PartitionRef,
  folder: ClosedFolder | undefined,
): Promise<PartitionLog> {
  const { context } = manager
  const name = partitionName(slot)
  try {
    if (folder !== undefined) {
      const topicId = folder.topicId ?? (await readOwner(context.fs, join(context.dir, name)))
      if (topicId !== undefined && topicId !== ref.topicId) await removeFolderOf(manager, slot, topicId, ref.topicId)
    }
    return await openPartitionLog(context, ref, folder?.isSound ?? true)
  } catch (error) {
    if (error instanceof LogError) throw error
    context.logger.error({ partition: name, err: error }, 'cannot open a partition log')
    throw new LogError('KAFKA_STORAGE_ERROR', `cannot open ${name}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Removes a folder that belongs to another topic of the same name, if that topic was deleted.
 * @throws LogError KAFKA_STORAGE_ERROR when it was not; the folder is left as it is
 */
async function removeFolderOf(manager: ManagerState, slot: Slot, found: Uuid, expected: Uuid): Promise<void> {
  if (manager.options.ownerOf(slot.topic, found, slot.partition) === 'deleted') return await removeFolder(manager, slot)
  const folder = join(manager.context.dir, partitionName(slot))
  throw new LogError(
    'KAFKA_STORAGE_ERROR',
    `${folder} belongs to a topic with id ${found}, which was never deleted; topic ${slot.topic} has id ${expected}. If the ` +
      `file partition.metadata in it is damaged, stop the broker and write "topic_id: ${expected}" into it; if the records ` +
      'are those of another topic, move the folder away',
  )
}

/** Renames the folder of a deleted topic, and removes it in the background. */
async function removeFolder(manager: ManagerState, slot: Slot): Promise<void> {
  const { dir, fs, logger } = manager.context
  const name = partitionName(slot)
  logger.info({ partition: name }, 'removing the log of a topic that was deleted')
  const target = join(dir, asideName(name, 'delete'))
  await fs.rename(join(dir, name), target)
  removeOffsets(manager, slot)
  removeInBackground(manager, target)
}

export function removeInBackground(manager: ManagerState, path: string): void {
  runInBackground(manager, manager.context.fs.remove(path), 'cannot remove a deleted folder')
}

/** Removes the partition from the checkpoints. */
function removeOffsets({ context }: ManagerState, { topic, partition }: Slot): void {
  for (const checkpoint of [context.logStarts, context.recoveryPoints]) {
    checkpoint.delete(topic, partition)
    checkpoint.writeSoon()
  }
}

/** Takes a slot out of use while `work` closes its log or removes its folder. @param work resolves to what is left */
function leave(
  { slots, limited }: ManagerState,
  slot: Slot,
  topicId: Uuid | undefined,
  work: () => Promise<ClosedFolder | undefined>,
): Promise<ClosedFolder | undefined> {
  const done = limited(work).then((folder) => {
    // Unless a request has opened the partition again meanwhile.
    if (slot.state !== state) return folder
    if (folder === undefined) slots.remove(slot)
    else slot.state = { kind: 'closed', folder }
    return folder
  })
  const state: LeavingSlot = { kind: 'leaving', topicId, done }
  slot.state = state
  return done
}

/** Removes the log or the folder of a deleted topic. @returns what is left of it */
export function removeLog(manager: ManagerState, slot: Slot): Promise<ClosedFolder | undefined> {
  const { state } = slot
  if (state.kind === 'leaving') return state.done
  if (state.kind !== 'closed') return removeFrom(manager, slot, state)
  return leave(manager, slot, undefined, async () => {
    await removeFolder(manager, slot)
    return undefined
  })
}

function removeFrom(
  manager: ManagerState,
  slot: Slot,
  state: OpenSlot | OpeningSlot,
): Promise<ClosedFolder | undefined> {
  const { dir, fs } = manager.context
  const name = partitionName(slot)
  if (state.kind === 'open') state.log.stopUse(`the log of ${name} was deleted`)
  return leave(manager, slot, undefined, async () => {
    // A log that could not be opened has a folder all the same.
    const log = await Promise.resolve(state.log).catch(() => undefined)
    if (log === undefined) {
      if ((await fs.stat(join(dir, name))) !== undefined) await removeFolder(manager, slot)
      return undefined
    }
    const target = await log.moveAway(asideName(name, 'delete'))
    removeOffsets(manager, slot)
    if (target !== undefined) removeInBackground(manager, target)
    return undefined
  })
}

/**
 * Removes the folder of a deleted topic that no log has been opened from. One that belongs to another topic stays; one that cannot
 * be read for certain, because its metadata is damaged or of a newer format, is set aside.
 */
export async function removeClosed(manager: ManagerState, slot: Slot, topicId: Uuid): Promise<void> {
  const { dir, fs } = manager.context
  const owner = await manager
    .limited(() => readOwner(fs, join(dir, partitionName(slot))))
    .catch((error: unknown) => {
      if (error instanceof LogError) return error
      throw error
    })
  if (slot.state.kind !== 'closed') return
  if (owner instanceof LogError) await setAside(manager, slot, undefined, unreadable, owner)
  else if (owner === undefined || owner === topicId) await removeLog(manager, slot)
}

/** Renames a folder that the metadata does not know, as Kafka does, and logs it. */
export async function setAsideUnknown(manager: ManagerState, slot: Slot, topicId: Uuid): Promise<void> {
  await setAside(manager, slot, topicId, unknown)
}

const unknown =
  'set aside the records of a partition that the metadata does not know and that was never deleted. If you need them, stop the ' +
  'broker, restore metadata/metadata.log from a backup and give the folder its name back; otherwise remove it'
const unreadable =
  'set aside the records of a partition whose topic was deleted, because its folder does not say for certain that it belongs to ' +
  'that topic: look at the folder, and remove it if you do not need it'

async function setAside(
  manager: ManagerState,
  slot: Slot,
  topicId: Uuid | undefined,
  message: string,
  cause?: LogError,
): Promise<void> {
  const { dir, fs, logger } = manager.context
  const partition = partitionName(slot)
  await leave(manager, slot, topicId, async () => {
    const folder = join(dir, asideName(partition, 'stray'))
    await fs.rename(join(dir, partition), folder)
    removeOffsets(manager, slot)
    logger.warn({ partition, topicId, folder, ...(cause && { err: cause }) }, message)
    return undefined
  })
}

/** Closes a log that has not been used for a while. */
export async function closeIdle(manager: ManagerState, slot: Slot): Promise<void> {
  const { state } = slot
  if (state.kind !== 'open') return
  await leave(manager, slot, state.ref.topicId, () => state.log.close()).catch((error) => {
    manager.context.logger.error(
      { partition: partitionName(slot), err: error },
      'a partition log was not closed properly',
    )
    slot.state = { kind: 'closed', folder: unknownFolder(false) }
  })
}
