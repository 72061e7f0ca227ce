from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("notes", views.add, name="add"),
    path("notes.csv", views.export, name="export"),
    path("login", LoginView.as_view(extra_context={"title": "Log in"}), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("register", views.register, name="register"),
]
