// Imports between the folders of a package go one way: a folder may use those before it in its row, and files beside them. The
// files beside them do not lead back either: folders and files together have no circle.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../packages/', import.meta.url))

/** Each list of folders that may not know each other is one place in the row. */
const rows: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'broker/src': [
    ['config', 'data-dir', 'fetch-sessions', 'metrics'],
    ['log', 'metadata'],
    ['group'],
    ['request'],
    ['config-resources', 'fetch', 'server'],
    ['api'],
  ],
  'broker/src/log': [['batch', 'scheduling'], ['disk'], ['segment'], ['producers'], ['partition'], ['manager']],
  'cluster/src': [['transport'], ['reader', 'writer'], ['survey']],
  'registry/src': [
    ['json', 'contract'],
    ['avro', 'json-schema', 'protobuf'],
    ['compatibility'],
    ['formats', 'store', 'client'],
    ['operations', 'access'],
    ['server'],
  ],
  'platform/src': [['running', 'cel', 'payload'], ['load'], ['live', 'types'], ['plan'], ['apply', 'import']],
  'events/src': [['kafka', 'wire', 'dead-letters'], ['telemetry', 'replay'], ['handle']],
  'kubernetes/src': [
    ['api', 'certificates'],
    ['credentials', 'discover'],
  ],
  'protocol/src': [['codec'], ['api', 'compression', 'data'], ['records']],
  'monitor/src': [['snapshot'], ['metrics', 'collect'], ['rules'], ['diagnose', 'dashboards', 'probe'], ['exporter']],
  'backup/src': [['store'], ['format'], ['registry'], ['take', 'restore'], ['archive', 'drill', 'export']],
  'audit/src': [['record'], ['trail']],
  'cli/src': [['output', 'light'], ['framework'], ['demo', 'events', 'init'], ['local'], ['backup'], ['commands']],
}

function importsOf(file: string): string[] {
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)
  return [...found].map(([, path]) => join(dirname(file), path!))
}

/** The files below `root` that are part of the program. */
function sourcesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ts$/.test(path) && !/\.test\.ts$|test-support|test-io/.test(path))
    .map((path) => join(root, path))
}

/** The folder of `root` that a file is in; undefined for a file beside the folders, or outside `root`. */
function folderOf(root: string, file: string): string | undefined {
  const [first, second] = relative(root, file).split('/')
  return second === undefined || first === '..' ? undefined : first
}

/** A way along `arrows` from a place back to itself; undefined when there is none. */
function findCircle(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>()
  const follow = (place: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(place)) return [...way.slice(way.indexOf(place)), place]
    if (done.has(place)) return undefined
    for (const next of arrows.get(place) ?? []) {
      const circle = follow(next, [...way, place])
      if (circle !== undefined) return circle
    }
    done.add(place)
    return undefined
  }
  for (const place of arrows.keys()) {
    const circle = follow(place, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

describe.each(Object.entries(rows))('imports between the folders of packages/%s', (name, row) => {
  const root = join(packages, name)
  const files = sourcesOf(root)

  it('go one way', () => {
    const place = new Map(row.flatMap((folders, at) => folders.map((folder) => [folder, at] as const)))
    const folders = new Set(files.map((file) => folderOf(root, file)).filter((folder) => folder !== undefined))
    // A new folder gets its place here.
    expect([...folders].sort()).toEqual([...place.keys()].sort())

    const back: string[] = []
    for (const file of files) {
      const from = folderOf(root, file)
      if (from === undefined) continue
      for (const imported of importsOf(file)) {
        const to = folderOf(root, imported)
        if (to !== undefined && to !== from && place.get(to)! >= place.get(from)!) {
          back.push(`${relative(root, file)} imports ${relative(root, imported)}`)
        }
      }
    }
    expect(back).toEqual([])
  })

  it('do not come back over a file beside them', () => {
    const placeOf = (file: string): string => folderOf(root, file) ?? relative(root, file)
    const arrows = new Map<string, Set<string>>()
    for (const file of files) {
      const from = placeOf(file)
      const to = arrows.get(from) ?? new Set()
      arrows.set(from, to)
      for (const imported of importsOf(file)) if (placeOf(imported) !== from) to.add(placeOf(imported))
    }
    expect(findCircle(arrows)).toBeUndefined()
  })
})
