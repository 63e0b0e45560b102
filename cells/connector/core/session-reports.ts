import type { PeerId } from '../../wire/peer.ts'
import { MAX_REPORTED_WALLETS, type SessionReport } from '../../wire/session-report.ts'

/** A wallet, and the list of a report it is to be on. */
export interface ReportedWallet {
  as: Exclude<keyof SessionReport, 'connector'>
  peer: PeerId
}

/** Reports on these wallets, in their order, as many as `maxReports`; one that is empty when there are none: it shows that the realm is alive. */
export function reportsOf(
  connector: string,
  wallets: readonly ReportedWallet[],
  maxReports: number,
): { report: SessionReport; wallets: readonly ReportedWallet[] }[] {
  const count = Math.min(maxReports, Math.max(1, Math.ceil(wallets.length / MAX_REPORTED_WALLETS)))
  return Array.from({ length: count }, (_, index) => {
    const part = wallets.slice(index * MAX_REPORTED_WALLETS, (index + 1) * MAX_REPORTED_WALLETS)
    const on = (list: ReportedWallet['as']) => part.flatMap(({ as, peer }) => (as === list ? [peer] : []))
    return {
      report: {
        connector,
        ...{ joined: on('joined'), held: on('held'), silent: on('silent'), left: on('left'), banned: on('banned') },
      },
      wallets: part,
    }
  })
}
