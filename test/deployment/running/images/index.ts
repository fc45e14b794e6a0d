// Maps image names to layouts on this machine. A pod with an unknown image cannot start, and reports that.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageContent, ImageLayout } from '../types.ts'
import { connectImage } from './connect.ts'
import { apacheKafka, confluentKafka } from './kafka.ts'
import { confluentKafka39, confluentZooKeeper } from './kafka-3.9.ts'
import { kafkaToolsImage } from './kafka-tools.ts'
import { alertmanagerImage, prometheusImage } from './monitoring.ts'
import { nodeImage } from './node.ts'
import { schemaRegistryImage } from './schema-registry.ts'
import { selfmonitorImage } from './selfmonitor.ts'

const known: readonly ImageLayout[] = [
  ...[confluentKafka39, confluentZooKeeper, confluentKafka, apacheKafka],
  ...[
    schemaRegistryImage,
    selfmonitorImage,
    connectImage,
    nodeImage,
    kafkaToolsImage,
    prometheusImage,
    alertmanagerImage,
  ],
]

/** Finds images, and prepares each once in a folder of this run. */
export function createImages(folder: string, extra: readonly ImageLayout[]): (image: string) => Promise<ImageContent> {
  const prepared = new Map<ImageLayout, Promise<ImageContent>>()
  return (image) => {
    const layout = [...extra, ...known].find((one) => one.matches(image))
    if (!layout) {
      return Promise.reject(new Error(`No layout plays the image ${image}: add one in test/deployment/running/images`))
    }
    let content = prepared.get(layout)
    if (!content) {
      const at = join(folder, 'images', String(prepared.size))
      content = mkdir(at, { recursive: true }).then(() => layout.prepare(at))
      prepared.set(layout, content)
    }
    return content
  }
}
