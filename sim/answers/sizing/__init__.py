"""The smallest cluster that holds its service levels: designs, their cost, and a search that states its error."""
