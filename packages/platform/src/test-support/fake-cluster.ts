// For tests: a cluster in memory with topics, accounts and ACLs, in which any change can be made to fail.
import { type AclBinding, type Cluster, ClusterError, type NewTopic, type TopicInfo } from '@selfmonitor/cluster'

export interface FakeCluster extends Cluster {
  readonly state: {
    readonly topics: Map<string, NewTopic>
    /** Passwords by account. */
    readonly passwords: Map<string, string>
    readonly rules: Map<string, AclBinding>
  }
  /** Every request that changes something, in order, with what it was about. */
  readonly calls: string[]
  /** The nth change from now fails: refused, or done with an answer that never comes. */
  failAt(nth: number, how: 'refused' | 'answer lost'): void
}

const keyOf = (rule: AclBinding): string => JSON.stringify(Object.entries(rule).sort())

export function fakeCluster(options: { brokers?: number } = {}): FakeCluster {
  const topics = new Map<string, NewTopic>()
  const passwords = new Map<string, string>()
  const rules = new Map<string, AclBinding>()
  const calls: string[] = []
  let failure: { left: number; how: 'refused' | 'answer lost' } | null = null

  async function change(what: string, work: () => void): Promise<void> {
    calls.push(what)
    const fails = failure !== null && --failure.left === 0 ? failure.how : null
    if (fails !== 'refused') {
      work()
    }
    if (fails !== null) {
      failure = null
      throw new ClusterError('CONNECTION_CLOSED', `broker fake:9092 closed the connection`, {
        reason: 'cannot-connect',
      })
    }
  }

  const brokers = Array.from({ length: options.brokers ?? 1 }, (_, id) => ({
    id,
    host: 'fake',
    port: 9092,
    rack: null,
  }))
  // -1 leaves it to the brokers, whose default is 1 here.
  const replicas = (count: number) => Array.from({ length: Math.abs(count) }, (_, id) => id)
  const known: Partial<Cluster> = {
    bootstrapServers: 'fake:9092',
    info: async () => ({ clusterId: 'fake', controllerId: 0, brokers }),
    listTopics: async () =>
      [...topics.values()].map(
        ({ name, partitions, replicationFactor }): TopicInfo => ({
          name,
          id: name,
          internal: false,
          partitions: replicas(partitions).map((partition) => ({
            partition,
            leader: 0,
            replicas: replicas(replicationFactor),
            isr: replicas(replicationFactor),
            offlineReplicas: [],
          })),
        }),
      ),
    topicConfigs: async (names) =>
      new Map(
        names.map((name) => [
          name,
          Object.entries(topics.get(name)?.config ?? {}).map(([key, value]) => ({
            name: key,
            value,
            source: 'topic' as const,
            readOnly: false,
            sensitive: false,
          })),
        ]),
      ),
    createTopics: (created) =>
      change(`create topics ${created.map(({ name }) => name).join(' ')}`, () => {
        for (const topic of created) {
          topics.set(topic.name, topic)
        }
      }),
    deleteTopics: (names) =>
      change(`delete topics ${names.join(' ')}`, () => {
        for (const name of names) {
          topics.delete(name)
        }
      }),
    users: async () =>
      [...passwords.keys()].map((name) => ({
        name,
        credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 8192 }],
      })),
    setUserPasswords: (users) =>
      change(`set password ${users.map(({ name }) => name).join(' ')}`, () => {
        for (const { name, password } of users) {
          passwords.set(name, password)
        }
      }),
    deleteUsers: (names) =>
      change(`delete users ${names.join(' ')}`, () => {
        for (const name of names) {
          passwords.delete(name)
        }
      }),
    authenticates: async ({ name, password }) => passwords.get(name) === password,
    acls: async () => [...rules.values()],
    createAcls: (created) =>
      change(`create rules ${created[0]!.principal}`, () => {
        for (const rule of created) {
          rules.set(keyOf(rule), rule)
        }
      }),
    deleteAcls: (deleted) =>
      change(`delete rules ${deleted[0]!.principal}`, () => {
        for (const rule of deleted) {
          rules.delete(keyOf(rule))
        }
      }),
  }
  return Object.assign(known as Cluster, {
    state: { topics, passwords, rules },
    calls,
    failAt: (nth: number, how: 'refused' | 'answer lost') => {
      failure = { left: nth, how }
    },
  })
}
