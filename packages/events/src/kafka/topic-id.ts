// Topic ids: the Kafka client writes them in hexadecimal with dashes, the protocol package as Kafka's tools do, in base64url.

export const toUuid = (topicId: string): string => Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')

export const fromUuid = (uuid: string): string =>
  Buffer.from(uuid, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
