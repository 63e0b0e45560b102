import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  writeAcknowledge,
  writeConnect,
  writeDisconnect,
  writeFragment,
  writePing,
  writeReliable,
  writeUnreliable,
  writeVerifyConnect,
} from './command-writer.ts'
import {
  ACKNOWLEDGE_FLAG,
  COMMAND_BYTES,
  CONTROL_CHANNEL,
  Command,
  CommandKind,
  MALFORMED,
  MAX_MESSAGE_BYTES,
  MESSAGE_TOO_LONG,
  readCommand,
  UNSEQUENCED_FLAG,
} from './commands.ts'
import { writeHeader } from './datagram.ts'

/** As a headless explorer sent it. */
const connectOfExplorer = Buffer.from(
  '4fffb7c6 82ff0001 0000ffff 00000570 00010000 00000003 00000000 00000000 00001388 00000002 00000002 83238de6 00000000'.replaceAll(
    ' ',
    '',
  ),
  'hex',
)

const termsOfExplorer = {
  peerId: 0,
  session: 0xff,
  mtu: 1392,
  windowBytes: 65_536,
  channels: 3,
  throttleInterval: 5000,
  throttleAcceleration: 2,
  throttleDeceleration: 2,
  connectId: 0x83238de6,
}

const written = (size: number, write: (bytes: Buffer) => void): string => {
  const bytes = Buffer.alloc(size)
  write(bytes)
  return bytes.toString('hex')
}

test('reads the CONNECT of an explorer', () => {
  const command = new Command()
  expect(readCommand(connectOfExplorer, 4, connectOfExplorer.length, command)).toBe(52)
  expect(command).toMatchObject({
    kind: CommandKind.CONNECT,
    flags: ACKNOWLEDGE_FLAG,
    channel: CONTROL_CHANNEL,
    sequence: 1,
    peerId: 0,
    incomingSession: 0xff,
    outgoingSession: 0xff,
    mtu: 1392,
    windowBytes: 65_536,
    channels: 3,
    throttleInterval: 5000,
    throttleAcceleration: 2,
    throttleDeceleration: 2,
    connectId: 0x83238de6,
    data: 0,
  })
})

test('writes the same CONNECT', () => {
  const bytes = Buffer.alloc(52)
  writeHeader(bytes, 0xfff, 0, 0xb7c6)
  writeConnect(bytes, 4, termsOfExplorer, 0)
  expect(bytes.toString('hex')).toBe(connectOfExplorer.toString('hex'))
})

test('writes each command as the protocol lays it out', () => {
  expect(written(8, (bytes) => writeAcknowledge(bytes, 0, 1, 0x1234, 0xb7c6))).toBe('010112341234b7c6')
  expect(written(44, (bytes) => writeVerifyConnect(bytes, 0, { ...termsOfExplorer, peerId: 5, session: 2, mtu: 1200 }))).toBe(
    '83ff000100050202000004b000010000000000030000000000000000000013880000000200000002'.concat('83238de6'),
  )
  expect(written(8, (bytes) => writeDisconnect(bytes, 0, ACKNOWLEDGE_FLAG, 7, 4))).toBe('84ff000700000004')
  expect(written(8, (bytes) => writeDisconnect(bytes, 0, UNSEQUENCED_FLAG, 0, 1))).toBe('44ff000000000001')
  expect(written(4, (bytes) => writePing(bytes, 0, 9))).toBe('85ff0009')
  expect(written(6, (bytes) => writeReliable(bytes, 0, 2, 3, 0x0102))).toBe('860200030102')
  expect(written(8, (bytes) => writeUnreliable(bytes, 0, CommandKind.SEND_UNRELIABLE, 1, 3, 4, 5))).toBe('0701000300040005')
  const fragment = { startSequence: 3, count: 4, number: 1, totalBytes: 4000, offset: 1164, length: 1164 }
  const kind = CommandKind.SEND_FRAGMENT | ACKNOWLEDGE_FLAG
  expect(written(24, (bytes) => writeFragment(bytes, 0, kind, 0, 4, fragment))).toBe(
    '880000040003048c000000040000000100000fa00000048c',
  )
})

/** Every kind of command, with data where it has some. */
const commands: readonly Buffer[] = [
  connectOfExplorer.subarray(4),
  ...['010112341234b7c6', '84ff000700000004', '44ff000000000001', '85ff0009', '860200030003010203', '0701000300040002ffff'],
  ...['4901000000040001aa', '8aff000100000000ffffffff', '8bff0001000013880000000200000002'],
  '880000040003000200000004000000010000000700000002abcd',
  '0c0000040003000200000004000000010000000700000002abcd',
  '83ff000100050202000004b00001000000000003000000000000000000001388000000020000000283238de6',
].map((hex) => (typeof hex === 'string' ? Buffer.from(hex, 'hex') : hex))

test('each kind is read to its end, and none of its beginnings is a command', () => {
  const command = new Command()
  const kinds = commands.map((bytes) => {
    expect(readCommand(bytes, 0, bytes.length, command)).toBe(bytes.length)
    for (let end = 0; end < bytes.length; end++) expect(readCommand(bytes, 0, end, command)).toBe(MALFORMED)
    return command.kind
  })
  expect(new Set(kinds)).toEqual(new Set(Object.values(CommandKind)))
})

test('fragments that contradict themselves or belong to a longer message are refused', () => {
  const command = new Command()
  const read = (fragment: Partial<Parameters<typeof writeFragment>[5]>) => {
    const bytes = Buffer.alloc(1200)
    const place = { startSequence: 3, count: 4, number: 1, totalBytes: 4000, offset: 1100, length: 1100, ...fragment }
    writeFragment(bytes, 0, CommandKind.SEND_FRAGMENT | ACKNOWLEDGE_FLAG, 0, 4, place)
    return readCommand(bytes, 0, bytes.length, command)
  }
  expect(read({})).toBe(1124)
  expect(read({ number: 4 })).toBe(MALFORMED)
  expect(read({ count: 0, number: 0 })).toBe(MALFORMED)
  expect(read({ offset: 2901 })).toBe(MALFORMED)
  expect(read({ offset: 0xffffffff })).toBe(MALFORMED)
  expect(read({ length: 1177 })).toBe(MALFORMED)
  expect(read({ totalBytes: MAX_MESSAGE_BYTES + 1 })).toBe(MESSAGE_TOO_LONG)
  expect(read({ count: 33 })).toBe(MESSAGE_TOO_LONG)
  expect(read({ totalBytes: 0xffffffff, count: 0xffffffff })).toBe(MESSAGE_TOO_LONG)
})

test('whatever the bytes, a command ends after it began and within them', () => {
  const command = new Command()
  const kind = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(kind, fc.uint8Array({ maxLength: 80 }), fc.nat(20), (first, tail, skipped) => {
      const bytes = Buffer.from([...Buffer.alloc(skipped), first, ...tail])
      const next = readCommand(bytes, skipped, bytes.length, command)
      if (next < 0) return [MALFORMED, MESSAGE_TOO_LONG].includes(next)
      expect(next).toBeGreaterThanOrEqual(skipped + (COMMAND_BYTES[command.kind] ?? 0))
      expect(next).toBeLessThanOrEqual(bytes.length)
      return true
    }),
    { numRuns: 5_000 },
  )
})
