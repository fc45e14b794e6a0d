// The cases in oracle/, with Java Avro's answers (see the README there).
import { readFileSync } from 'node:fs'
import type { Incompatibility } from '../types.ts'

export interface CanonicalCase {
  readonly name: string
  readonly schema: string
  readonly references?: readonly string[]
  readonly canonical?: string
  readonly error?: string
}

export interface CompatibilityCase {
  readonly name: string
  readonly reader: unknown
  readonly writer: unknown
  readonly problems?: readonly Incompatibility[]
  readonly error?: string
}

export const canonicalCases = read<CanonicalCase>('canonical.jsonl')
export const compatibilityCases = read<CompatibilityCase>('compatibility.jsonl')

function read<Case>(file: string): Case[] {
  const text = readFileSync(new URL(`../../oracle/${file}`, import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case)
}
