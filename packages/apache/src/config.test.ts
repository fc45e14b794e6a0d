import { describe, expect, it } from 'vitest'
import { renderProperties, serverProperties } from './config.ts'

const node = (nodeId: number) => ({
  nodeId,
  host: '127.0.0.1',
  port: 9091 + nodeId,
  controllerPort: 19091 + nodeId,
  dataDir: `/data/node-${nodeId}`,
})

describe('serverProperties', () => {
  it('gives a single node internal topics with one replica', () => {
    const properties = serverProperties(node(1), [node(1)])
    expect(properties['offsets.topic.replication.factor']).toBe('1')
    expect(properties['transaction.state.log.min.isr']).toBe('1')
    expect(properties['controller.quorum.voters']).toBe('1@127.0.0.1:19092')
  })

  it('gives three nodes a quorum of three and internal topics that survive the loss of one', () => {
    const all = [node(1), node(2), node(3)]
    const properties = serverProperties(node(2), all)
    expect(properties['node.id']).toBe('2')
    expect(properties['controller.quorum.voters']).toBe('1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094')
    expect(properties['offsets.topic.replication.factor']).toBe('3')
    expect(properties['transaction.state.log.min.isr']).toBe('2')
  })

  it('lets the caller override any setting', () => {
    expect(serverProperties(node(1), [node(1)], { 'log.dirs': '/elsewhere' })['log.dirs']).toBe('/elsewhere')
  })
})

describe('renderProperties', () => {
  it('escapes backslashes, which a properties file would swallow', () => {
    expect(renderProperties({ 'log.dirs': 'C:\\data' })).toBe('log.dirs=C:\\\\data\n')
  })
})
