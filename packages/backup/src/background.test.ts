import { expect, it } from 'vitest'
import { runInBackground } from './background.ts'

/** Work that the test ends, and a list of what has started. */
function rig(limitBytes: number) {
  const background = runInBackground(limitBytes)
  const started: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const add = (name: string, bytes: number): Promise<void> => {
    const end = Promise.withResolvers<void>()
    ends.set(name, end)
    return background.add(bytes, () => {
      started.push(name)
      return end.promise
    })
  }
  return { background, started, add, end: (name: string) => ends.get(name)! }
}

it('starts what fits, the others in their order', async () => {
  const { background, started, add, end } = rig(10)
  await add('first', 6)
  const others = [add('large', 8), add('small', 1)]
  await Promise.resolve()
  // The small one would fit, and does not overtake.
  expect(started).toEqual(['first'])
  end('first').resolve()
  await Promise.all(others)
  expect(started).toEqual(['first', 'large', 'small'])
  end('small').resolve()
  end('large').resolve()
  await background.settled()
})

it('starts what has more bytes than it allows once nothing else is under way', async () => {
  const { started, add, end } = rig(10)
  await add('first', 3)
  const large = add('large', 100)
  await Promise.resolve()
  expect(started).toEqual(['first'])
  end('first').resolve()
  await large
  expect(started).toEqual(['first', 'large'])
})

it('starts no more than so many at a time, however small they are', async () => {
  const background = runInBackground(10, 2)
  const end = Promise.withResolvers<void>()
  let started = 0
  const add = (): Promise<void> =>
    background.add(0, () => {
      started++
      return end.promise
    })
  await add()
  await add()
  const third = add()
  await new Promise((resolve) => setImmediate(resolve))
  expect(started).toBe(2)
  end.resolve()
  await third
  await background.settled()
  expect(started).toBe(3)
})

it('gives the first error to those that come after it, waits for the others, and starts nothing more', async () => {
  const { background, started, add, end } = rig(10)
  await add('broken', 5)
  await add('well', 5)
  const waiting = add('waiting', 5)
  end('broken').reject(new Error('no space'))
  await expect(waiting).rejects.toThrow('no space')
  await expect(add('late', 1)).rejects.toThrow('no space')
  const settled = background.settled()
  let isSettled = false
  settled.catch(() => {
    isSettled = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isSettled).toBe(false)
  end('well').resolve()
  await expect(settled).rejects.toThrow('no space')
  expect(started).toEqual(['broken', 'well'])
})
