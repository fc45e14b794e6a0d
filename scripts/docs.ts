// `npm run docs`: writes the parts of the documents that are made from tables of the code, and the JSON Schema that editors
// use for platform.yaml. `-- --check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { platformJsonSchema } from '../packages/platform/src/index.ts'
import { generatedDocuments, replaceSections } from './docs/sections.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const checkOnly = process.argv.includes('--check')

const schemaFile = 'packages/platform/platform.schema.json'
// Compared as data, because the formatter decides the layout (npm run format).
const indented = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`
compare(schemaFile, indented(JSON.parse(textOf(schemaFile))), indented(platformJsonSchema()))
for (const [file, sections] of Object.entries(generatedDocuments)) {
  const before = textOf(file)
  compare(file, before, await replaceSections(before, sections))
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function compare(file: string, before: string, after: string): void {
  if (after === before) {
    console.log(`${file} is up to date`)
  } else if (checkOnly) {
    console.error(`${file} is not up to date: npm run docs`)
    process.exitCode = 1
  } else {
    writeFileSync(join(root, file), after)
    console.log(`${file} written`)
  }
}
