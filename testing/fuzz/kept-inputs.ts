const websocket =
  'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
const manifest = (text: string) => ({ text, edits: [], isChange: false })
const realm = 'apiVersion: comms.decentraland.org/v1alpha1\nkind: Realm\nmetadata: { name: main }\n'

/** Inputs that once found a bug, by target; each run sends them first. */
export const keptInputs: Readonly<Record<string, readonly unknown[]>> = {
  // The router and the handler disagreed on where a target ends, and the handler threw.
  upgrades: [{ server: 'rooms', text: `GET /rooms/a#/%zz HTTP/1.1\r\n${websocket}`, edits: [] }],
  // Scenes sign in the player's name; a legacy signature holds for every case of the signer's name.
  'signed-fetch': [
    {
      signer: 'victim, a scene',
      format: 'legacy',
      chain: 'two',
      ageMs: 0,
      metadata: { realmName: 'main', sceneId: 'scene' },
      edits: [[-1, [{ at: 48, length: 5, put: 'other case' }]]],
      claimsVictim: false,
    },
  ],
  manifests: [
    manifest(`${realm}spec: { cells: { assignment: { toString: 1 } } }\n`),
    manifest('apiVersion: v1\nkind: { toString: 1 }\nmetadata: { name: { toString: 1 } }\n'),
    manifest('apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata:\nstringData: text\n'),
    manifest(`${realm}spec: ${'['.repeat(3_000)}${']'.repeat(3_000)}\n`),
    manifest(`${realm}spec: &a [*a]\n`),
  ],
}
