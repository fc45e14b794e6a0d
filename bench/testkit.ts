// The test kit in a new process: how long the first and the third `startTestPlatform` take, imports not counted.
import { startTestPlatform } from '@selfmonitor/events/testing'

const [dir] = process.argv.slice(2)
const times: number[] = []
for (let start = 0; start < 3; start += 1) {
  const before = performance.now()
  const platform = await startTestPlatform(dir === undefined ? { topics: { 'user.events': {} } } : { dir })
  times.push(performance.now() - before)
  await platform.close()
}
process.stdout.write(`${JSON.stringify({ firstMs: times[0], thirdMs: times[2] })}\n`)
process.exit(0)
