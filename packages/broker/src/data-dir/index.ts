// What the rest of the broker uses of `data-dir/`.
export { type DataDir, openDataDir } from './data-dir.ts'
export { failingWhen } from './watch.ts'
