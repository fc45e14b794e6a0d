import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { heapFlags } from './io.ts'

it('saves memory with flags that this V8 has', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
  const names = heapFlags.map((flag) => flag.split('=')[0])
  expect(names.filter((name) => !options.includes(`${name} (`))).toEqual([])
})
