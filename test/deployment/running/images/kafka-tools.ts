// The image of pod kafka-tools: ours, with Apache's distribution and a Java beside it (infra/kafka/tools.Dockerfile).
import type { ImageLayout } from '../types.ts'
import { base, javaHome, slimBase } from './base.ts'
import { apacheKafka } from './kafka.ts'
import { selfmonitorCommand, selfmonitorImage } from './selfmonitor.ts'

export const kafkaToolsImage: ImageLayout = {
  matches: (image) => /(^|\/)kafka-tools[:@]/.test(image),
  async prepare(folder) {
    const kafka = await apacheKafka.prepare(`${folder}/kafka`)
    const ours = await selfmonitorImage.prepare(`${folder}/streams`)
    const programs = [...slimBase, 'curl', 'ps']
    return {
      ...ours,
      env: { ...ours.env, JAVA_HOME: kafka.env.JAVA_HOME! },
      mounts: {
        ...kafka.mounts,
        ...ours.mounts,
        ...(await base(folder, programs, { java: await javaHome(21), scripts: { selfmonitor: selfmonitorCommand } })),
      },
    }
  },
}
