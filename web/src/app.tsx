import { lazy, type ReactNode, Suspense } from 'react';
import { Link, Route, Switch, useRoute } from 'wouter';
import { JobPage } from './jobs/job-page.tsx';
import { JobsPage } from './jobs/jobs-page.tsx';
import { RunsPage } from './runs/runs-page.tsx';
import { Empty, Loading } from './ui/states.tsx';

// The plots are most of the code, and the first view has none.
const OverviewPage = lazy(() =>
  import('./overview/overview-page.tsx').then(({ OverviewPage: page }) => ({ default: page })),
);
const TasksPage = lazy(() =>
  import('./launch/tasks-page.tsx').then(({ TasksPage: page }) => ({ default: page })),
);
const FormPage = lazy(() =>
  import('./launch/form-page.tsx').then(({ FormPage: page }) => ({ default: page })),
);
const ComparePage = lazy(() =>
  import('./compare/compare-page.tsx').then(({ ComparePage: page }) => ({ default: page })),
);
const AggregatePage = lazy(() =>
  import('./aggregate/aggregate-page.tsx').then(({ AggregatePage: page }) => ({ default: page })),
);
const RunPage = lazy(() => import('./run/run-page.tsx').then(({ RunPage: page }) => ({ default: page })));
const ConsolePage = lazy(() =>
  import('./console/console-page.tsx').then(({ ConsolePage: page }) => ({ default: page })),
);
const ExamplePage = lazy(() =>
  import('./example/example-page.tsx').then(({ ExamplePage: page }) => ({ default: page })),
);

function NavLink({ to, children }: { to: string; children: ReactNode }): ReactNode {
  const [exact] = useRoute(to);
  const [below] = useRoute(`${to}/*`);
  return (
    <Link href={to} aria-current={exact || below ? 'page' : undefined}>
      {children}
    </Link>
  );
}

export function App(): ReactNode {
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width="22" height="22" /> Runlake
        </Link>
        <nav aria-label="Pages">
          <NavLink to="/">Overview</NavLink>
          <NavLink to="/runs">Runs</NavLink>
          <NavLink to="/aggregate">Aggregate</NavLink>
          <NavLink to="/jobs">Jobs</NavLink>
          <NavLink to="/launch">Launch</NavLink>
          <NavLink to="/console">Console</NavLink>
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<Loading what="the page" />}>
          <Switch>
            <Route path="/" component={OverviewPage} />
            <Route path="/runs" component={RunsPage} />
            <Route path="/runs/*">{(parameters) => <RunPage id={decodeURI(parameters['*'] ?? '')} />}</Route>
            <Route path="/examples" component={ExamplePage} />
            <Route path="/launch" component={TasksPage} />
            <Route path="/launch/:task">{({ task }) => <FormPage name={task} />}</Route>
            <Route path="/compare" component={ComparePage} />
            <Route path="/aggregate" component={AggregatePage} />
            <Route path="/console" component={ConsolePage} />
            <Route path="/jobs" component={JobsPage} />
            <Route path="/jobs/:id">{({ id }) => <JobPage id={id} />}</Route>
            <Route>
              <Empty>
                There is no such page. <Link href="/runs">All runs</Link>
              </Empty>
            </Route>
          </Switch>
        </Suspense>
      </main>
    </>
  );
}
