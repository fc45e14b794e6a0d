import { expect, it } from 'vitest'
import { createBudget } from './budget.ts'

it('lets in what fits, the others in their order', async () => {
  const budget = createBudget(10)
  const letIn: string[] = []
  const take = async (name: string, bytes: number): Promise<void> => {
    await budget.take(bytes)
    letIn.push(name)
  }
  await take('first', 6)
  const others = [take('large', 8), take('small', 1)]
  await Promise.resolve()
  // The small one would fit, and does not overtake.
  expect(letIn).toEqual(['first'])
  budget.give(6)
  await Promise.all(others)
  expect(letIn).toEqual(['first', 'large', 'small'])
})

it('lets in more than all of it once nothing else is taken', async () => {
  const budget = createBudget(10)
  await budget.take(3)
  const large = budget.take(100)
  budget.give(3)
  await large
  budget.give(100)
  await budget.take(10)
})
