import { describe, expect, it } from 'vitest'
import type { Completion } from '../framework/verb.ts'
import { completeWords } from './completion.ts'
import { nouns } from './index.ts'

const names: Record<Completion, string[]> = {
  topics: ['audit.events', 'user.events'],
  groups: ['fraud-detection'],
  users: ['billing'],
  subjects: ['user.events-value'],
  'event-types': ['user_created', 'user_logged_in'],
}
const complete = (line: string): Promise<readonly string[]> =>
  completeWords(line.split(' '), nouns, async (kind) => names[kind])

describe('shell completion', () => {
  it.each([
    ['', ['up', 'down', 'topics']],
    ['topics ', ['list', 'describe', 'create', 'alter', 'delete']],
    ['groups re', ['reset-offsets']],
    ['up --engine ', ['embedded', 'apache']],
    ['topics list -o ', ['table', 'json', 'yaml', 'name']],
    ['topics alter --part', ['--partitions']],
    ['completion ', ['bash', 'zsh', 'fish']],
  ])('"%s" offers %j', async (line, expected) => {
    expect(await complete(line)).toEqual(expect.arrayContaining(expected))
  })

  it.each([
    ['topics describe ', ['audit.events', 'user.events']],
    ['topics describe u', ['user.events']],
    ['topics -o json describe u', []],
    ['topics describe -o json u', ['user.events']],
    ['topics describe user.events ', []],
    ['topics delete user.events ', ['audit.events', 'user.events']],
    ['--env staging topics describe u', ['user.events']],
    ['groups describe ', ['fraud-detection']],
    ['groups reset-offsets blue --from-group ', ['fraud-detection']],
    ['schemas get ', ['user.events-value']],
    ['events emit user.events user_c', ['user_created']],
    ['events tail --type user_l', ['user_logged_in']],
    ['nothing ', []],
  ])('"%s" offers exactly %j, from the running cluster', async (line, expected) => {
    expect(await complete(line)).toEqual(expected)
  })

  it('offers nothing where the cluster does not answer', async () => {
    const down = async (): Promise<never> => {
      throw new Error('down')
    }
    expect(await completeWords(['topics', 'describe', ''], nouns, down)).toEqual([])
  })
})
