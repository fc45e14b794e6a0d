// CRC-64/NVME, the checksum of S3 that covers a whole object however many parts it was sent in.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
import { Crc64Nvme } from '@aws-sdk/checksums/crc'

export interface Checksum {
  update(bytes: Uint8Array): void
  /** Base64, as S3's headers have it. */
  value(): Promise<string>
}

export function startChecksum(): Checksum {
  const crc = new Crc64Nvme()
  return {
    update: (bytes) => crc.update(bytes),
    value: async () => Buffer.from(await crc.digest()).toString('base64'),
  }
}

export async function checksumOf(bytes: Uint8Array): Promise<string> {
  const checksum = startChecksum()
  checksum.update(bytes)
  return checksum.value()
}
