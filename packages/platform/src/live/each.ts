/** The registry's client has no limit of its own: eight at a time keep a slow registry answering. */
const usual = 8

/** Does the work for each item, a few at a time, and begins nothing new once it is stopped. Rejects with the first error. */
export async function eachOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  { atATime = usual, stopped = () => false }: { readonly atATime?: number; readonly stopped?: () => boolean } = {},
): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !stopped(); item = queue.shift()) {
      await work(item)
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}
