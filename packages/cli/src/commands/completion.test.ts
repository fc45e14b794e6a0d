import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Completion } from '../framework/verb.ts'
import { selfmonitor, temporaryFolder } from '../test-io.ts'
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
    ['schemas ', ['delete', 'compatibility']],
    ['schemas compatibility ', ['get', 'set']],
    ['schemas compatibility set -', ['--yes', '--port-offset']],
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
    ['schemas compatibility get ', ['user.events-value']],
    ['schemas compatibility set FULL ', ['user.events-value']],
    ['schemas comp', ['compatibility']],
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

describe('the script for bash', () => {
  const folder = temporaryFolder()
  afterAll(() => folder.remove())

  /** What bash offers for a line, with commands that only say how they were called. */
  async function offered(line: string, before = ''): Promise<string[]> {
    const { stdout: script } = await selfmonitor(['completion', 'bash'])
    const say = (name: string): string => `#!/bin/sh\necho "${name}|$*" >> "$ASKED"\necho describe delete\n`
    for (const [path, name] of [
      ['path/selfmonitor', 'global'],
      ['project/node_modules/.bin/selfmonitor', 'local'],
    ] as const) {
      mkdirSync(join(folder.path, dirname(path)), { recursive: true })
      writeFileSync(join(folder.path, path), say(name), { mode: 0o755 })
    }
    mkdirSync(join(folder.path, 'project/deep'), { recursive: true })
    const words = line.split(' ')
    const program = [
      before,
      script,
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`,
      `"$(complete -p ${words[0]} | sed 's/.*-F \\([^ ]*\\).*/\\1/')" ${words[0]}`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash.
      'echo "${COMPREPLY[@]}"; cat "$ASKED" 2>/dev/null; rm -f "$ASKED"',
    ].join('\n')
    const result = spawnSync('bash', ['--norc', '-c', program], {
      cwd: join(folder.path, 'project/deep'),
      env: { PATH: `${folder.path}/path:${process.env.PATH}`, ASKED: join(folder.path, 'asked') },
      encoding: 'utf8',
    })
    expect(result.stderr).toBe('')
    return result.stdout.trim().split('\n')
  }

  it('completes the command itself', async () => {
    expect(await offered('selfmonitor topics des')).toEqual(['describe', 'global|__complete -- topics des'])
  })

  it('completes npx selfmonitor with the command of the project', async () => {
    expect(await offered('npx selfmonitor topics de')).toEqual(['describe delete', 'local|__complete -- topics de'])
    expect(await offered('npx --no selfmonitor ')).toEqual(['describe delete', 'local|__complete -- '.trim()])
  })

  it('leaves the rest of npx to what completed it before', async () => {
    const before = '_npx() { COMPREPLY=(theirs); }; complete -F _npx npx'
    expect(await offered('npx vit', before)).toEqual(['theirs'])
    expect(await offered('npx selfmonitor topics de', before)).toEqual([
      'describe delete',
      'local|__complete -- topics de',
    ])
    expect(await offered('npx vit')).toEqual([''])
  })
})
