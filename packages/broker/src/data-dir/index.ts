// The exports of `data-dir/` for the rest of the broker.
export { type DataDir, deleteDataDir, openDataDir } from './data-dir.ts'
export { failingWhen } from './watch.ts'
