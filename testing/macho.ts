import { createHash } from 'node:crypto'

/** A reader of Mach-O files for 64 bits, apart from what writes and signs them: as much as tells whether macOS would start one. */

const MAGIC_64 = 0xfeedfacf
const SEGMENT_64 = 0x19
const SYMTAB = 0x2
const CODE_SIGNATURE = 0x1d
const SUPER_BLOB = 0xfade0cc0
const CODE_DIRECTORY = 0xfade0c02
const PAGE_BYTES = 4096

export interface MachoSegment {
  name: string
  fileOffset: number
  fileBytes: number
  sections: readonly { name: string; fileOffset: number; fileBytes: number }[]
}

export interface MachoFile {
  segments: readonly MachoSegment[]
  /** Of the string table. */
  stringsAt: number
  signatureAt: number | undefined
}

const nameAt = (file: Buffer, at: number): string => file.toString('latin1', at, at + 16).replace(/\0+$/, '')
const number64 = (file: Buffer, at: number): number => Number(file.readBigUInt64LE(at))

/** @throws when it is no such file */
export function readMacho(file: Buffer): MachoFile {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error('no Mach-O file for 64 bits')
  const segments: MachoSegment[] = []
  let stringsAt = 0
  let signatureAt: number | undefined
  let at = 32
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    const command = file.readUInt32LE(at)
    if (command === SEGMENT_64) segments.push(segmentAt(file, at))
    if (command === SYMTAB) stringsAt = file.readUInt32LE(at + 16)
    if (command === CODE_SIGNATURE) signatureAt = file.readUInt32LE(at + 8)
    at += file.readUInt32LE(at + 4)
  }
  return { segments, stringsAt, signatureAt }
}

function segmentAt(file: Buffer, at: number): MachoSegment {
  const sections = Array.from({ length: file.readUInt32LE(at + 64) }, (_, index) => {
    const section = at + 72 + index * 80
    return {
      name: nameAt(file, section),
      fileBytes: number64(file, section + 40),
      fileOffset: file.readUInt32LE(section + 48),
    }
  })
  return { name: nameAt(file, at + 8), fileOffset: number64(file, at + 40), fileBytes: number64(file, at + 48), sections }
}

/**
 * What a signature says and whether it is true.
 *
 * @returns the identifier, the flags (2 = ad hoc), how many bytes are signed, and the pages whose hash is another one
 */
export function readSignature(file: Buffer, signatureAt: number) {
  if (file.readUInt32BE(signatureAt) !== SUPER_BLOB) throw new Error('there is no signature')
  const blobs = Array.from(
    { length: file.readUInt32BE(signatureAt + 8) },
    (_, index) => signatureAt + file.readUInt32BE(signatureAt + 16 + index * 8),
  )
  const directory = blobs.find((at) => file.readUInt32BE(at) === CODE_DIRECTORY)
  if (directory === undefined) throw new Error('the signature has no code directory')
  const [hashesAt, identifierAt] = [16, 20].map((at) => directory + file.readUInt32BE(directory + at)) as [number, number]
  const [pages, signedBytes] = [28, 32].map((at) => file.readUInt32BE(directory + at)) as [number, number]
  const wrongPages = Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const content = file.subarray(page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, signedBytes))
    const hash = createHash('sha256').update(content).digest()
    return !hash.equals(file.subarray(hashesAt + page * 32, hashesAt + (page + 1) * 32))
  })
  return {
    identifier: file.toString('latin1', identifierAt, file.indexOf(0, identifierAt)),
    flags: file.readUInt32BE(directory + 12),
    signedBytes,
    pages,
    wrongPages,
  }
}
