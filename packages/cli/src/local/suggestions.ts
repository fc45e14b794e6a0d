// The commands that `up` suggests to try next: only those that work on the platform that it has just started.
import type { Shapes } from '@selfmonitor/platform/shapes'
import { storyTopics } from '../demo/story.ts'

export interface Started {
  /** The command as it is called here: `npx selfmonitor`. */
  readonly name: string
  /** Topics that exist, without internal ones and dead letters. */
  readonly topics: readonly string[]
  /** The shapes of their records by the platform file; null without one. */
  readonly shapes: Shapes | null
  /** The file exists and was not applied. */
  readonly toSetUp: boolean
}

/** Command lines, the most useful first. */
export function suggestions({ name, topics, shapes, toSetUp }: Started): string[] {
  const known = Object.keys(shapes ?? {}).filter((topic) => topics.includes(topic))
  const watched = known[0] ?? topics[0]
  const lines: string[] = []
  if (toSetUp) lines.push('setup')
  else if (shapes === null && topics.length === 0) lines.push('init')
  lines.push('topics list')
  if (watched !== undefined) lines.push(`events tail ${watched} --follow`)
  if (storyTopics.every((topic) => topics.includes(topic) && typeof (shapes?.[topic] ?? {}) === 'object')) {
    lines.push('demo --rate 20')
  }
  lines.push('status', 'doctor')
  return lines.map((line) => `${name} ${line}`)
}
