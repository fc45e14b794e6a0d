// `selfmonitor backup export`: the records of a backup as files for other programs.
import { resolve } from 'node:path'
import type { ExportFormat } from '@selfmonitor/backup'
import { exitCodes, usageError } from '../framework/errors.ts'
import { integer, pointInTime } from '../framework/parse.ts'
import { defineVerb, text, value } from '../framework/verb.ts'
import { bytes, counted } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { identityOption, namedTopics, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'

const formats: readonly ExportFormat[] = ['parquet', 'avro', 'json']

function format(word: string): ExportFormat {
  const found = formats.find((one) => one === word)
  if (found === undefined) throw usageError(`"${word}" is not a format`, `Write ${formats.join(', ')}.`)
  return found
}

export const exportVerb = defineVerb({
  name: 'export',
  summary: 'write the records of a backup as Parquet, Avro or JSON files',
  details:
    'Writes one file for each segment, with every field of its records: `<topic>/<topic id>/<partition>/<offsets>.parquet`. Files that\n' +
    'are there are not written again, so a second run writes what later backups have in addition.',
  examples: [
    'selfmonitor backup export --target s3://kafka-backups/production --to exported --format parquet --topic user.events',
  ],
  options: {
    ...placeOptions,
    to: text('--to <address>', 'where the files go: a folder, or s3://bucket/prefix'),
    format: value('--format <format>', 'parquet, avro or json', format, 'parquet'),
    topic: topicsOption,
    backup: value('--backup <n>', 'that backup; default: the newest', integer(1)),
    from: value('--from <time>', 'only records whose time is not before', pointInTime),
    until: value('--until <time>', 'only records whose time is not behind', pointInTime),
    identity: identityOption,
  },
  output: ['table', 'json', 'yaml'],
  async run(context, { options }) {
    const { to, topic, identity } = options
    if (to === undefined)
      throw usageError('--to is missing: where do the files go?', 'Pass a folder or s3://bucket/prefix.')
    const store = await openPlace(context, options.target, '--target', { identity })
    const { chooseCluster, exportBackup, openStore } = await import('@selfmonitor/backup')
    const target = await openStore(/^[A-Za-z][A-Za-z0-9+.-]*:/.test(to) ? to : resolve(context.io.cwd, to))
    context.onEnd(() => target.close())
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const line = progressLine(context.io.stderr, context.colours.stderr)
    try {
      const exported = await exportBackup(
        store,
        clusterId,
        target,
        {
          format: options.format,
          point: options.backup === undefined ? { kind: 'latest' } : { kind: 'number', number: options.backup },
          include: topicFilter(topic),
          named: namedTopics(topic),
          fromMs: options.from ?? null,
          untilMs: options.until ?? null,
        },
        {
          signal: context.io.signal,
          onProgress: (progress) => line.show('exporting', { ...progress, unit: 'records' }),
        },
      )
      line.end()
      await context.printThing(exported, {
        table: () => {
          const there = exported.skipped === 0 ? '' : `; there already: ${counted(exported.skipped, 'file')}`
          return `exported: ${counted(exported.records, 'record')} in ${counted(exported.files, 'file')}, ${bytes(exported.bytes)}${there}\n`
        },
      })
    } finally {
      line.end()
    }
    return exitCodes.done
  },
})
