\d
\d+
\d runs
\d+ runs
\d examples
\d+ run_metrics
\dS pg_class
\dt+
\dv+
\dm
\di
\ds
\dE
\dn+
\df
\da
\dA+
\db
\dc
\dC
\dconfig
\dd
\dD
\ddp
\des
\det
\deu
\dew
\dF
\dFd
\dFp
\dFt
\dg
\dl
\dL
\do
\dO
\dp
\dP
\dRp
\drds
\dRs
\dT
\du
\dx
\dX
\dy
\l
\z
\sv run_metrics
\encoding
