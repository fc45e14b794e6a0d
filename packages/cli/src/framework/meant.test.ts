import { describe, expect, it } from 'vitest'
import { nouns } from '../commands/index.ts'
import { meantCommand, meantVerb } from './meant.ts'

const verbsOf = async (noun: string): Promise<readonly string[]> =>
  (await nouns.find(({ name }) => name === noun)!.load()).verbs.map(({ name }) => name)
const commands = nouns.map(({ name }) => name)

describe('what was meant by', () => {
  it.each([
    // Abbreviated: before anything that is only spelt like it.
    ['groups', 'reset', 'reset-offsets'],
    ['groups', 'desc', 'describe'],
    // Other words.
    ['groups', 'remove', 'delete'],
    ['topics', 'rm', 'delete'],
    ['topics', 'ls', 'list'],
    ['topics', '--list', 'list'],
    ['topics', 'add', 'create'],
    ['topics', 'config', 'alter'],
    ['events', 'consume', 'tail'],
    ['events', 'produce', 'emit'],
    ['schemas', 'describe', 'get'],
    ['schemas', 'create', 'register'],
    ['users', 'rotate', 'set-password'],
    // Misspelt.
    ['topics', 'crate', 'create'],
    ['topics', 'delte', 'delete'],
  ])('%s %s is %s', async (noun, typed, meant) => {
    expect(meantVerb(typed, await verbsOf(noun))).toBe(meant)
  })

  it.each([
    ['topics', 'reset'],
    ['topics', 'elete'],
    ['groups', 'select'],
    ['groups', 'fraud-detection'],
    ['acls', 'release'],
  ])('%s %s is unknown: nothing that loses data is suggested for another word', async (noun, typed) => {
    expect(meantVerb(typed, await verbsOf(noun))).toBeUndefined()
  })

  it.each([
    ['consumer-groups', 'groups'],
    ['kafka-consumer-groups.sh', 'groups'],
    ['kafka-topics', 'topics'],
    ['kafka-acls.sh', 'acls'],
    ['console-consumer', 'events tail'],
    ['kafka-console-producer', 'events emit'],
    ['kafka-configs', 'topics alter'],
    ['topcs', 'topics'],
    ['comp', 'completion'],
  ])('%s is %s', (typed, meant) => {
    expect(meantCommand(typed, commands)).toBe(meant)
  })

  it.each([['sown'], ['preset'], ['constructor'], ['mirror-maker']])('%s is unknown', (typed) => {
    expect(meantCommand(typed, commands)).toBeUndefined()
  })

  it('only names commands that exist', async () => {
    for (const word of ['consume', 'configs', 'lag', 'offsets', 'subjects', 'get-offsets', 'ps', 'stop', 'diff']) {
      const [noun, verb] = meantCommand(word, commands)!.split(' ')
      expect(commands).toContain(noun)
      if (verb !== undefined) expect(await verbsOf(noun!)).toContain(verb)
    }
  })
})
