import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.StringJoiner;
import org.postgresql.PGConnection;

/** Asks what JDBC tools ask: every method of DatabaseMetaData, prepared statements, cursors. Prints JSON. */
class Metadata {
  private static final StringJoiner out = new StringJoiner(",", "{", "}");

  private static void put(String name, Object value) {
    out.add('"' + name + "\":\"" + value + '"');
  }

  private static int rows(ResultSet result) throws SQLException {
    int count = 0;
    int columns = result.getMetaData().getColumnCount();
    while (result.next()) {
      for (int i = 1; i <= columns; i++) result.getObject(i);
      count++;
    }
    return count;
  }

  public static void main(String[] args) throws Exception {
    for (String mode : new String[] {"extended", "simple"}) {
      String url = args[0] + "&prepareThreshold=1&preferQueryMode=" + mode;
      try (Connection connection = DriverManager.getConnection(url, args[1], args[2])) {
        ask(connection, mode);
      }
    }
    System.out.println(out);
  }

  private static void ask(Connection connection, String mode) throws Exception {
    DatabaseMetaData meta = connection.getMetaData();
    put(mode + " product", meta.getDatabaseProductName() + " " + meta.getDatabaseProductVersion());
    put(mode + " schemas", rows(meta.getSchemas()) + rows(meta.getCatalogs()) + rows(meta.getTableTypes()));
    put(mode + " views", rows(meta.getTables(null, "public", "%", new String[] {"VIEW"})));
    put(mode + " run_metrics", rows(meta.getTables(null, null, "run\\_m%", null)));
    ResultSet columns = meta.getColumns(null, "public", "runs", "run_id");
    columns.next();
    put(mode + " column", columns.getString("TYPE_NAME") + " " + columns.getString("IS_NULLABLE") + " " + columns.getString("REMARKS"));
    put(mode + " keys", rows(meta.getPrimaryKeys(null, "public", "runs")) + rows(meta.getImportedKeys(null, "public", "runs"))
        + rows(meta.getExportedKeys(null, "public", "runs")) + rows(meta.getIndexInfo(null, "public", "runs", false, false))
        + rows(meta.getBestRowIdentifier(null, "public", "runs", 2, true))
        + rows(meta.getCrossReference(null, "public", "runs", null, "public", "metrics")));
    rows(meta.getTypeInfo());
    rows(meta.getProcedures(null, null, null));
    rows(meta.getFunctions(null, null, null));
    rows(meta.getFunctionColumns(null, null, null, null));
    rows(meta.getProcedureColumns(null, null, null, null));
    rows(meta.getUDTs(null, null, null, null));
    rows(meta.getTablePrivileges(null, "public", "runs"));
    rows(meta.getColumnPrivileges(null, "public", "runs", null));
    rows(meta.getVersionColumns(null, "public", "runs"));
    put(mode + " keywords", meta.getSQLKeywords().contains("pivot"));
    put(mode + " schema", connection.getSchema() + " " + connection.getCatalog());
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT run_id, seed, created_at, run_date, verdict_reasons, git_dirty FROM runs WHERE method = ? AND seed >= ? ORDER BY run_id LIMIT ?")) {
      int read = 0;
      for (int i = 0; i < 3; i++) {
        statement.setString(1, "probe_v1");
        statement.setLong(2, 0);
        statement.setInt(3, 2);
        ResultSet result = statement.executeQuery();
        while (result.next()) {
          read++;
          put(mode + " row " + read, result.getString(1) + " " + result.getLong(2) + " " + result.getTimestamp(3).toInstant() + " " + result.getDate(4));
        }
      }
    }
    connection.setAutoCommit(false);
    Statement cursor = connection.createStatement();
    cursor.setFetchSize(5);
    put(mode + " cursor", rows(cursor.executeQuery("SELECT * FROM predictions")));
    connection.rollback();
    connection.setAutoCommit(true);
    Statement slow = connection.createStatement();
    slow.setQueryTimeout(1);
    try {
      slow.executeQuery("SELECT count(*) FROM range(1000000000) a, range(1000) b");
    } catch (SQLException stopped) {
      put(mode + " stopped", stopped.getSQLState());
    }
    put(mode + " copied", connection.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (SELECT run_id FROM runs) TO STDOUT", new StringWriter()));
    put(mode + " valid", connection.isValid(5));
  }
}
