import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fileProblem } from './file-problem.ts'

function problemOf(path: string): string {
  try {
    readFileSync(path)
  } catch (error) {
    return fileProblem(error)
  }
  throw new Error(`${path} can be read`)
}

describe('what is wrong with a file', () => {
  const here = fileURLToPath(import.meta.url)
  it.each([
    [`${here}.not`, 'there is no such file'],
    [fileURLToPath(new URL('.', import.meta.url)), 'it is a folder'],
    [`${here}/x`, 'a part of its path is a file, not a folder'],
  ])('of %s is said in plain words', (path, problem) => {
    expect(problemOf(path)).toBe(problem)
  })

  it('is the message of an error that is not a file system’s', () => {
    expect(fileProblem(new Error('too large'))).toBe('too large')
  })
})
