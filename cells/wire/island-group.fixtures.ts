import { FieldWriter } from './field-writer.ts'

/** Bytes as of a group, of whatever is given: more than a group may have, or what is no wallet. */
export function anyIslandGroup({
  room,
  list,
  members,
}: {
  room: string
  list: Uint8Array
  members: readonly { peer: string; before: Uint8Array; after?: Uint8Array | undefined }[]
}): Uint8Array {
  const fields = new FieldWriter()
  fields.text(0x0a, room)
  fields.bytes(0x12, list)
  for (const { peer, before, after } of members) {
    fields.bytes(0x1a, Buffer.concat([Buffer.from(peer), before]))
    if (after) fields.bytes(0x22, after)
  }
  return fields.written
}
