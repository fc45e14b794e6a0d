// `selfmonitor reset`.
import { relative } from 'node:path'
import { defineVerb, type Noun, text } from '../framework/verb.ts'
import { deleteData, findData, otherDataDirs, requireUnused } from '../local/data.ts'
import { upPaths } from '../local/up-paths.ts'
import { bytes } from '../output/format.ts'

const verb = defineVerb({
  name: 'reset',
  summary: 'delete the data that `up` keeps here, to start over',
  details:
    'Deletes all topics, records, committed offsets and schemas in one data directory, of both engines, and lists the other\n' +
    'data of this project. Stop the platform first: `selfmonitor down`. platform.yaml and the schema files stay, and\n' +
    '`selfmonitor up --setup` makes the topics again.',
  examples: ['selfmonitor down && selfmonitor reset', 'selfmonitor reset --data-dir .selfmonitor/second --yes'],
  options: { dataDir: text('--data-dir <folder>', 'the data directory of `up` (default .selfmonitor/data)') },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: 'files',
  async run(context, { options }) {
    const { cwd } = context.io
    const { dataDir } = upPaths(cwd, { dataDir: options.dataDir, portOffset: 0 })
    const shown = (folder: string): string => relative(cwd, folder) || '.'
    const found = findData(dataDir)
    for (const other of otherDataDirs(cwd, dataDir)) {
      context.note(
        `${shown(other)} is another data directory: \`selfmonitor reset --data-dir ${shown(other)}\` deletes it.`,
      )
    }
    if (found.length === 0) {
      context.note(`Nothing to delete: there is no data in ${shown(dataDir)}.`)
      return
    }
    for (const data of found) requireUnused(data, cwd)
    for (const { folder, sizeBytes } of found) {
      const what = `${bytes(sizeBytes)}, all topics, committed offsets and schemas`
      context.note(`  ${context.colours.stderr.bad('-')} ${shown(folder)}: ${what}`)
    }
    await context.confirm({
      what: 'Delete this data permanently',
      typedName: context.settings.environment.value,
      of: 'folder',
    })
    for (const data of found) await deleteData(data)
    await context.printRows(found, {
      columns: [
        { header: 'DELETED', value: ({ folder }) => shown(folder) },
        { header: 'SIZE', align: 'right', value: ({ sizeBytes }) => bytes(sizeBytes) },
      ],
      name: ({ folder }) => shown(folder),
      empty: 'Nothing to delete.',
    })
  },
})

export const reset: Noun = { name: 'reset', summary: verb.summary, verbs: [verb] }
