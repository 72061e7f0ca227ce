from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.generic import RedirectView

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("notes", views.add, name="add"),
    path("notes/<int:pk>", views.edit, name="edit"),
    path("notes/<int:pk>/file", views.download, name="download"),
    path("notes.csv", views.export, name="export"),
    path("login", LoginView.as_view(template_name="board/form.html", extra_context={"title": "Log in"}), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("register", views.register, name="register"),
    path("admin/", admin.site.urls),
    # The pages of the admin name no icon.
    path("favicon.ico", RedirectView.as_view(url="/static/board/icon.svg")),
]
