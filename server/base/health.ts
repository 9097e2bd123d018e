/** Who is well and who is not: each dependency reports, the routes and the drain read. */

export type HealthStatus = 'ok' | 'degraded' | 'down'

export type HealthReport = {
  readonly status: HealthStatus
  /** A sentence for people; absent when all is well. */
  readonly reason?: string
  readonly [detail: string]: unknown
}

export type Health = {
  /** `report` is called for each question, must be cheap, and must not throw. */
  register(name: string, report: () => HealthReport): void
  /** All dependencies, and the worst of their states. */
  report(): { readonly status: HealthStatus; readonly dependencies: Record<string, HealthReport> }
}

const order: readonly HealthStatus[] = ['ok', 'degraded', 'down']

export function createHealth(): Health {
  const reports = new Map<string, () => HealthReport>()
  return {
    register(name, report) {
      reports.set(name, report)
    },
    report() {
      const dependencies = Object.fromEntries(
        [...reports].map(([name, report]) => [name, report()] as const),
      )
      const worst = Math.max(0, ...Object.values(dependencies).map(r => order.indexOf(r.status)))
      return { status: order[worst] ?? 'down', dependencies }
    },
  }
}
