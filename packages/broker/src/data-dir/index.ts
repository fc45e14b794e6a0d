// What the rest of the broker uses of `data-dir/`.
export { type DataDir, deleteDataDir, openDataDir } from './data-dir.ts'
export { failingWhen } from './watch.ts'
