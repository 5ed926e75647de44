"""Plots: figures from the results of analyses; matplotlib is loaded when one is drawn."""
