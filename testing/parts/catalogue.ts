import { chromium } from './chromium.ts'
import { foreignCrds, gatewayApi } from './crds.ts'
import { debian } from './debian.ts'
import { crane, helm3, kube, livekit, lua, nats, prometheus, promtool } from './go.ts'
import { machoSign, macosNode } from './macos.ts'
import { bevy, postgres, rtc } from './npm.ts'
import type { Part, PartName, PartState, Progress } from './part.ts'
import { qemu } from './qemu.ts'
import { enet } from './rust.ts'
import { traefik } from './traefik.ts'
import { nginx, pgbouncer } from './unpacked.ts'

/** How each part is made, in order: a part that others need comes before them. */
export const catalogue: Readonly<Record<PartName, () => Part>> = {
  debian,
  chromium,
  nats,
  postgres,
  pgbouncer,
  nginx,
  qemu,
  machoSign,
  macosNode,
  rtc,
  bevy,
  enet,
  lua,
  gatewayApi,
  foreignCrds,
  livekit,
  kube,
  helm3,
  promtool,
  traefik,
  prometheus,
  crane,
}

/** Which parts are ready to use on this machine; makes none. */
export function lookUp(name: PartName): PartState {
  const part = catalogue[name]()
  const path = part.find()
  if (path !== undefined) return { path }
  return { missing: part.blocker() ?? `not made yet: run 'npx node testing/parts/main.ts ${name}'` }
}

/** Makes a part unless it exists. A failure is returned and not thrown, so that the other parts are still made. */
export async function ensure(name: PartName, progress: Progress): Promise<PartState> {
  const part = catalogue[name]()
  const found = part.find()
  if (found !== undefined) return { path: found }
  const blocker = part.blocker()
  if (blocker !== undefined) return { missing: blocker }
  try {
    return { path: await part.make((line) => progress(`${name}: ${line}`)) }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}
