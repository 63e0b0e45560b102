import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const packages = fileURLToPath(new URL('../../../../node_modules/', import.meta.url))
const root = new protobuf.Root()
root.resolvePath = (_, target) =>
  target.startsWith('google/') ? `${packages}protobufjs/${target}` : `${packages}@dcl/protocol/proto/${target}`
root.loadSync(['decentraland/pulse/pulse_client.proto', 'decentraland/pulse/pulse_server.proto'])

const Client = root.lookupType('decentraland.pulse.ClientMessage')
const Server = root.lookupType('decentraland.pulse.ServerMessage')

/** A message of a client as a protobuf library encodes it, by the names of the definitions. */
export const encodeRequest = (message: object): Uint8Array => Client.encode(Client.fromObject(message)).finish()

/** A message to a client as a protobuf library decodes it: its name, and its fields without zeros. */
export const decodeServerMessage = (bytes: Uint8Array): Record<string, Record<string, unknown>> =>
  Server.toObject(Server.decode(bytes))
