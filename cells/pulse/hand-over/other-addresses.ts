import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

export interface RelayPlace {
  /** A name or an address; of a name, every address counts. */
  host: string
  port: number
  /** The port on which this relay can be asked itself. */
  ownPort: number
}

/** The addresses of other relays. None when the name is not known yet. @throws when it cannot be looked up */
export async function otherAddressesOf({ host, port, ownPort }: RelayPlace): Promise<string[]> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)))
  const found = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTFOUND') return []
    throw error
  })
  return found.map(({ address }) => address).filter((address) => port !== ownPort || !own.has(address))
}
