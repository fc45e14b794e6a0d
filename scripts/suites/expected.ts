// Which tests of third-party suites do not pass, and why. What the embedded broker lacks is in docs/embedded-broker.md.
import type { Expected } from './suite.ts'

const noAuthorizer = 'needs an authorizer: ACLs'
const transactions = 'transactions'

/** On both engines as they are started here. */
const withoutAuthorizer = {
  '0081_admin': noAuthorizer,
  '0109_auto_create_topics': noAuthorizer,
  '0115_producer_auth': noAuthorizer,
  '0119_consumer_auth': noAuthorizer,
}

export const expectedOfLibrdkafka: Readonly<Record<'embedded' | 'apache', Expected>> = {
  apache: {
    failures: { ...withoutAuthorizer, '0103_transactions': 'needs three brokers' },
    leftOut: {},
  },
  embedded: {
    failures: {
      ...withoutAuthorizer,
      '0077_compaction': 'log compaction',
      '0103_transactions': transactions,
      '0129_fetch_aborted_msgs': transactions,
      '0184_share_consumer_topic_recreate': 'share groups (KIP-932)',
    },
    leftOut: {},
  },
}

export const expectedOfFranzGo: Readonly<Record<'embedded' | 'apache', Expected>> = {
  apache: { failures: {}, leftOut: {} },
  embedded: {
    failures: { Test848RegexBrokerResolves: 'the newer consumer protocol (KIP-848)' },
    leftOut: { TestTxnEtl: `${transactions}; it waits for them to the end of its time` },
  },
}
