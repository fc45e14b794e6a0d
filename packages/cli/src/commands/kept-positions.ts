// Places of groups that a restore overwrites: written to files first, with the commands that put them back.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OverwrittenPosition } from '@selfmonitor/backup'
import type { Context } from '../framework/context.ts'

/** @returns what `runRestore` calls with them; its files are those that `groups reset-offsets --from-file` reads */
export function keepPositions(context: Context) {
  return async (overwritten: readonly OverwrittenPosition[]): Promise<void> => {
    const folder = `positions-before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
    await mkdir(join(context.io.cwd, folder), { recursive: true })
    context.note(`Places of groups that are overwritten are in ${folder}. To put them back:`)
    const groups = [...Map.groupBy(overwritten, ({ groupId }) => groupId)]
    for (const [at, [groupId, own]] of groups.entries()) {
      const file = join(folder, `${at + 1}.csv`)
      const lines = own.map(({ topic, partition, offset }) => `${topic},${partition},${offset}\n`)
      await writeFile(join(context.io.cwd, file), lines.join(''), { flag: 'wx' })
      const quoted = /^[\w.-]+$/.test(groupId) ? groupId : `'${groupId.replaceAll("'", "'\\''")}'`
      context.note(
        own[0]!.type === 'share'
          ? `  ${file} has those of the share group ${groupId}: kafka-share-groups --reset-offsets sets them by time`
          : `  selfmonitor groups reset-offsets ${quoted} --from-file ${file} --execute`,
      )
    }
  }
}
