import { Duplex } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import { startForwarding } from './forwarding.ts'

const aSilentPod = () => new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })

test('connections to pods are bounded, also while they are being opened', async (context) => {
  const [tunnels, problems]: [(() => void)[], unknown[]] = [[], []]
  const forwarding = await startForwarding({
    ...{ realm: aRealm(), provider: undefined, port: 0, maxConnections: 3 },
    choosePod: async ({ namespace }) => ({ namespace, pod: 'main-connector-0', port: 80 }),
    openTunnel: () => new Promise((resolve) => tunnels.push(() => resolve(aSilentPod()))),
    onProblem: (problem) => problems.push(problem),
  })
  context.onTestFinished(() => forwarding.stop())
  const ended: string[] = []
  const enter = (name: string) => {
    const socket = new WebSocket(`${forwarding.url.replace('http', 'ws')}/cells/0/ws`)
    socket.addEventListener('error', () => ended.push(name))
    return socket
  }
  const sockets = ['a', 'b', 'c'].map(enter)
  await vi.waitFor(() => expect(tunnels).toHaveLength(3))
  enter('d')
  await vi.waitFor(() => expect(ended).toEqual(['d']))
  expect(problems).toMatchObject([{ message: 'There are 3 connections to pods, which is the most.' }])
  for (const open of tunnels) open()
  await vi.waitFor(() => expect(forwarding.connections).toBe(3))
  for (const socket of sockets) socket.close()
  await vi.waitFor(() => expect(forwarding.connections).toBe(0))
})
