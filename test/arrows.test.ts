// Imports between the folders of a package go one way: a folder may use those before it in its row, and files beside them.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../packages/', import.meta.url))

/** Each list of folders that may not know each other is one place in the row. */
const rows: Readonly<Record<string, readonly (readonly string[])[]>> = {
  platform: [['running', 'load'], ['live', 'types'], ['plan'], ['apply', 'import']],
  cli: [['output', 'light'], ['framework'], ['demo', 'events', 'init'], ['local'], ['commands']],
}

function importsOf(file: string): string[] {
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)
  return [...found].map(([, path]) => join(dirname(file), path!))
}

describe('imports between folders', () => {
  it.each(Object.entries(rows))('of packages/%s go one way', (name, row) => {
    const root = join(packages, name, 'src')
    const folderOf = (file: string): string => relative(root, file).split('/').slice(0, -1)[0] ?? ''
    const place = new Map(row.flatMap((folders, at) => folders.map((folder) => [folder, at] as const)))
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.ts$/.test(path) && !/\.test\.ts$|test-support|test-io/.test(path))
      .map((path) => join(root, path))
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== ''))
    // A new folder gets its place here.
    expect([...folders].sort()).toEqual([...place.keys()].sort())

    const back: string[] = []
    for (const file of files) {
      const from = folderOf(file)
      if (from === '') continue
      for (const imported of importsOf(file)) {
        const to = folderOf(imported)
        if (to !== '' && to !== from && place.get(to)! >= place.get(from)!) {
          back.push(`${relative(root, file)} imports ${relative(root, imported)}`)
        }
      }
    }
    expect(back).toEqual([])
  })
})
