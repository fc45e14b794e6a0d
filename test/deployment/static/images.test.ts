// Where images are pulled from: ours from the company's registry, all of them through a mirror, by tag or by digest.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { containersOf, type Json, type KubernetesObject, podsOf, podTemplate } from './objects.ts'
import { renderChart } from './render.ts'

const helm = await orMissing(() => fetchHelm('3'))
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe.skipIf('missing' in helm)('the images of the chart', () => {
  const render = async (values: Json): Promise<readonly KubernetesObject[]> =>
    'missing' in helm ? [] : (await renderChart({ helm: helm.value, values })).objects
  const images = async (values: Json): Promise<string[]> => {
    const found = podsOf(await render(values)).flatMap(({ spec }) =>
      containersOf(spec).map((container) => String(container.spec.image)),
    )
    return [...new Set(found)].sort()
  }

  it('come from the company’s registry where we build them, and from their makers otherwise', async () => {
    expect(await images({})).toEqual([
      'confluentinc/cp-kafka:8.3.2',
      'confluentinc/cp-ksqldb-server:8.3.2',
      'confluentinc/cp-schema-registry:8.3.2',
      'ghcr.io/kafbat/kafka-ui:v1.5.0',
      'grafana/grafana:13.2.3',
      'prom/alertmanager:v0.35.0',
      'prom/prometheus:v3.16.0',
      'registry.selfmonitor.com/streams/kafka-connect-s3:0.1.0',
      'registry.selfmonitor.com/streams/kafka-tools:0.1.0',
      'registry.selfmonitor.com/streams/selfmonitor:0.1.0',
    ])
  })

  it('move to another registry with one value', async () => {
    const own = (await images({ selfmonitorRegistry: 'registry.example.com:5000/streams/' })).filter((image) =>
      image.startsWith('registry'),
    )
    expect(own).toEqual([
      'registry.example.com:5000/streams/kafka-connect-s3:0.1.0',
      'registry.example.com:5000/streams/kafka-tools:0.1.0',
      'registry.example.com:5000/streams/selfmonitor:0.1.0',
    ])
  })

  it('keep a registry that their repository names', async () => {
    const moved = { repository: 'registry.example.com/connect', tag: '1' }
    expect(await images({ images: { connect: moved, selfmonitor: { repository: 'localhost/own' } } })).toEqual(
      expect.arrayContaining(['registry.example.com/connect:1', 'localhost/own:0.1.0']),
    )
  })

  it('all go through a mirror', async () => {
    for (const image of await images({ imageRegistry: 'mirror.example.com/all' }))
      expect(image).toMatch(/^mirror\.example\.com\/all\//)
  })

  it.each([
    ...['kafka', 'selfmonitor', 'tools', 'schemaRegistry', 'connect', 'ksqldb', 'ui'],
    ...['prometheus', 'alertmanager', 'grafana'],
  ])('are pulled by digest where images.%s has one, with or without a tag', async (name) => {
    expect((await images({ images: { [name]: { digest } } })).filter((image) => image.endsWith(digest))).toEqual([
      expect.stringMatching(new RegExp(`:[\\w.]+@${digest}$`)),
    ])
    const untagged = await images({ images: { [name]: { tag: '', digest } } })
    expect(untagged.filter((image) => image.endsWith(digest))).toEqual([
      expect.stringMatching(new RegExp(`/[\\w-]+@${digest}$`)),
    ])
  })

  it('are named by the first pod that needs one of ours, with what to do when they cannot be pulled', async () => {
    const objects = await render({ selfmonitorRegistry: 'registry.example.com' })
    const help = objects.flatMap(
      (object) => podTemplate(object)?.metadata?.annotations?.['selfmonitor.com/when-the-image-cannot-be-pulled'] ?? [],
    )
    expect(help.length).toBeGreaterThan(0)
    for (const text of help) {
      const ours = ['selfmonitor', 'kafka-tools', 'kafka-connect-s3'].map(
        (name) => `registry.example.com/${name}:0.1.0`,
      )
      expect(text).toContain(`Expected: ${ours.join(', ')}.`)
      expect(text).toContain('set selfmonitorRegistry')
    }
  })

  it('are named there only where something needs them', async () => {
    const objects = await render({ tools: { enabled: false }, connect: { enabled: false } })
    const texts = JSON.stringify(objects.map((object) => podTemplate(object)?.metadata?.annotations))
    expect(texts).toContain('Expected: registry.selfmonitor.com/streams/selfmonitor:0.1.0. To use your own registry')
  })
})
