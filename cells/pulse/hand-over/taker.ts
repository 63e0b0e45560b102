import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { PulseMetrics } from '../metrics.ts'
import { FRAME, Link } from './link.ts'
import { otherAddressesOf, type RelayPlace } from './other-addresses.ts'
import { openLink } from './secure-link.ts'

export interface TakerOptions extends RelayPlace {
  secrets: readonly string[]
  /** Goes on with the state of the other relay, at once. @throws when it cannot be used */
  use(state: Buffer, link: Link): void
  log: Log
  metrics: Pick<PulseMetrics, 'handOvers'>
}

/** From the question to the state; the clients of the other relay wait for at most five seconds. */
const STATE_MS = 3_000

/** Takes the players of another relay over, if there is one that gives them. @returns whether there was */
export async function takeOver(options: TakerOptions): Promise<boolean> {
  const { host, port, secrets, log, metrics } = options
  for (const address of await addressesOf(options)) {
    try {
      const outcome = await ask(new Link(await openLink(address, port, secrets)), options)
      if (outcome === 'refused') continue
      metrics.handOvers.inc({ role: 'successor', result: 'ok' })
      log.info({ address }, 'the players of another relay were taken over')
      return true
    } catch (error) {
      metrics.handOvers.inc({ role: 'successor', result: 'failed' })
      log.warn({ address, error: messageOf(error) }, 'another relay did not hand its players over')
    }
  }
  log.info({ host }, 'there is no relay to take players over from')
  return false
}

async function addressesOf(options: TakerOptions): Promise<string[]> {
  try {
    return await otherAddressesOf(options)
  } catch (error) {
    options.log.warn({ host: options.host, error: messageOf(error) }, 'the name of the other relays cannot be looked up')
    return []
  }
}

function ask(link: Link, { use }: TakerOptions): Promise<'taken' | 'refused'> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      link.onClose = () => undefined
      link.close()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error('it does not answer')), STATE_MS)
    link.onClose = () => fail(new Error('it has ended the connection'))
    link.onFrame = (kind, bytes) => {
      if (kind === FRAME.refuse) {
        clearTimeout(timer)
        link.onClose = () => undefined
        link.close()
        resolve('refused')
        return
      }
      try {
        if (kind !== FRAME.state) throw new Error('it sends something else')
        use(bytes, link)
        clearTimeout(timer)
        link.send(FRAME.taken)
        resolve('taken')
      } catch (error) {
        fail(error as Error)
      }
    }
    link.send(FRAME.ask)
  })
}
